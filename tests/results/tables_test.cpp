#include "alphahill/results/tables.hpp"

#include <gtest/gtest.h>

#include "alphahill/base/error.hpp"

namespace alphahill {
namespace {

TEST(Status, NamesAreTheseAndComeBack) {
  EXPECT_EQ(name_of(Status::ok), "ok");
  EXPECT_EQ(name_of(Status::degenerate), "degenerate");
  EXPECT_EQ(name_of(Status::no_tail), "no_tail");
  EXPECT_EQ(name_of(Status::nonfinite), "nonfinite");
  EXPECT_EQ(name_of(Status::unsupported), "unsupported");
  EXPECT_EQ(name_of(Status::failed), "failed");
  EXPECT_EQ(name_of(Status::few_eigenvalues), "few_eigenvalues");
  for (const Status status :
       {Status::ok, Status::degenerate, Status::no_tail, Status::nonfinite, Status::unsupported,
        Status::failed, Status::few_eigenvalues, Status::surveyed}) {
    EXPECT_EQ(parse_status(name_of(status)), status);
  }
}

TEST(Status, AnUnknownNameIsRefused) {
  try {
    parse_status("fine");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "status: expected one of ok, degenerate, no_tail, nonfinite, unsupported, failed, "
                 "few_eigenvalues, surveyed, "
                 "found 'fine'");
  }
}

}  // namespace
}  // namespace alphahill
