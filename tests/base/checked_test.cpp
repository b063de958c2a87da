#include "alphahill/base/checked.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

TEST(Checked, AProductThatFitsIsGiven) {
  EXPECT_EQ(checked_multiply<std::uint64_t>(1ULL << 32, (1ULL << 32) - 1), 0xFFFFFFFF00000000ULL);
}

TEST(Checked, AProductThatWrapsIsNothing) {
  EXPECT_EQ(checked_multiply<std::uint64_t>(1ULL << 32, 1ULL << 32), std::nullopt);
}

TEST(Checked, NarrowingNamesWhatDoesNotFit) {
  EXPECT_EQ(narrow<int>(std::int64_t{-5}, "rows"), -5);
  try {
    narrow<int>(std::int64_t{1} << 31, "rows");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "rows: 2147483648 is out of range");
  }
}

TEST(Checked, APositiveNumberIsAboveZeroAndFinite) {
  EXPECT_EQ(require_positive(5e-324, "seconds"), 5e-324);
  for (const double value : {0.0, -1.0, HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    EXPECT_FALSE(is_positive(value)) << value;
    EXPECT_THROW(require_positive(value, "seconds"), Error) << value;
  }
  EXPECT_STREQ(thrown_by([] { require_positive(-1, "seconds"); }).value().what(),
               "seconds: expected a positive number, found -1.000000");
}

}  // namespace
}  // namespace alphahill
