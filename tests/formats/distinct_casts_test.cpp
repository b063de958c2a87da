#include "alphahill/formats/distinct_casts.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace alphahill {
namespace {

TEST(DistinctCasts, AreForeseenFromTheFormats) {
  const std::vector<Precision> usual{ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16};
  const std::vector<Precision> four{ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                    ElementFormat::bf16};
  EXPECT_EQ(distinct_casts(ElementFormat::bf16, ElementFormat::fp32, usual, true), 1);
  EXPECT_EQ(distinct_casts(ElementFormat::fp32, ElementFormat::fp32, usual, true), 3);
  EXPECT_EQ(distinct_casts(ElementFormat::fp32, ElementFormat::fp32, usual, false), 3);
  EXPECT_EQ(distinct_casts(ElementFormat::bf16, ElementFormat::fp32, usual, false), 2);
  EXPECT_EQ(distinct_casts(ElementFormat::fp16, ElementFormat::fp32, usual, false), 2);
  EXPECT_EQ(distinct_casts(ElementFormat::fp64, ElementFormat::fp32, four, false), 3);
  EXPECT_EQ(distinct_casts(ElementFormat::fp32, ElementFormat::bf16,
                           std::vector<Precision>{ElementFormat::bf16}, false),
            1);
  EXPECT_EQ(distinct_casts(ElementFormat::fp32, ElementFormat::fp32,
                           std::vector<Precision>{ElementFormat::fp16, ElementFormat::bf16}, false),
            2);
}

}  // namespace
}  // namespace alphahill
