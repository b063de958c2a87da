#include "alphahill/formats/distinct_casts.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace alphahill {
namespace {

TEST(DistinctCasts, AreForeseenFromTheFormats) {
  const std::vector<Format> usual{Format::fp32, Format::fp16, Format::bf16};
  const std::vector<Format> four{Format::fp64, Format::fp32, Format::fp16, Format::bf16};
  EXPECT_EQ(distinct_casts(Format::bf16, Format::fp32, usual, true), 1);
  EXPECT_EQ(distinct_casts(Format::fp32, Format::fp32, usual, true), 3);
  EXPECT_EQ(distinct_casts(Format::fp32, Format::fp32, usual, false), 3);
  EXPECT_EQ(distinct_casts(Format::bf16, Format::fp32, usual, false), 2);
  EXPECT_EQ(distinct_casts(Format::fp16, Format::fp32, usual, false), 2);
  EXPECT_EQ(distinct_casts(Format::fp64, Format::fp32, four, false), 3);
  EXPECT_EQ(distinct_casts(Format::fp32, Format::bf16, std::vector{Format::bf16}, false), 1);
  EXPECT_EQ(distinct_casts(Format::fp32, Format::fp32, std::vector{Format::fp16, Format::bf16}, false), 2);
}

}  // namespace
}  // namespace alphahill
