#include "alphahill/spectrum/cast_survey.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace alphahill {
namespace {

const std::vector<Precision> all{ElementFormat::fp32, ElementFormat::fp64, ElementFormat::fp16,
                                 ElementFormat::bf16};

/// Of a matrix of one row, in blocks.
CastSurvey surveyed(const std::vector<double>& stored, std::size_t block_size = 1 << 20) {
  const std::int64_t cols = std::ssize(stored);
  CastSurvey survey(all, plain_shape(1, cols, ElementFormat::fp64));
  for (std::size_t first = 0; first < stored.size(); first += block_size) {
    const auto block = std::span(stored).subspan(first, std::min(block_size, stored.size() - first));
    survey.add(block, std::vector<float>(block.begin(), block.end()), {0, 0, cols},
               static_cast<std::int64_t>(first));
  }
  return survey;
}

TEST(CastSurvey, EqualBitsAreFound) {
  const CastSurvey survey = surveyed({1.0, 0x1p-20, 1.0 + 0x1p-7});
  for (std::size_t p = 1; p < all.size(); ++p) EXPECT_TRUE(survey.difference(p, 0).equal_bits()) << p;
}

TEST(CastSurvey, ADifferenceInAnyBlockCounts) {
  const CastSurvey survey = surveyed({1.0, 1.0 + 0x1p-9, 1.0}, 1);
  EXPECT_TRUE(survey.difference(2, 0).equal_bits());
  EXPECT_FALSE(survey.difference(3, 0).equal_bits()) << "2^-9 is lost in bf16";
  EXPECT_FALSE(survey.difference(3, 2).equal_bits());
}

TEST(CastSurvey, ErrorsAreMeasuredAgainstTheStoredWeights) {
  const CastSurvey survey = surveyed({1.0 + 0x1p-8, 1.0, 1.0 + 0x1p-40});
  const double norm = std::sqrt(3.0);
  EXPECT_NEAR(survey.relative_error(0), 0x1p-40 / norm, 1e-2 * 0x1p-40);
  EXPECT_NEAR(survey.relative_error(3), 0x1p-8 / norm, 1e-2 * 0x1p-8);
  EXPECT_DOUBLE_EQ(survey.squared_norm(3), 3.0);
}

TEST(CastSurvey, CountsWeightsThatBecomeZeroAndKeepsTheLargestError) {
  const CastSurvey survey = surveyed({1.0 + 0x1p-8, 0, 0x1p-30, -0x1p-26, 1.0}, 2);
  EXPECT_EQ(survey.sums(2).zeroed, 2) << "below half of the smallest fp16 number";
  EXPECT_EQ(survey.sums(3).zeroed, 0);
  EXPECT_EQ(survey.sums(2).largest_error, 0x1p-26);
  EXPECT_EQ(survey.sums(3).largest_error, 0x1p-8);
}

TEST(CastSurvey, CountsClippedWeightsOfFormatsWithScales) {
  const std::vector<float> loaded{7.5F, 1, -7.9F, 0, 2};
  const std::vector<double> stored(loaded.begin(), loaded.end());
  CastSurvey survey({*find_precision("mxfp4"), *find_precision("mxfp4_ocp")},
                    plain_shape(1, 5, ElementFormat::fp32));
  survey.add(stored, loaded, {0, 0, 5}, 0);
  EXPECT_EQ(survey.sums(0).clipped, 0);
  EXPECT_EQ(survey.sums(1).clipped, 2);
  EXPECT_FLOAT_EQ(static_cast<float>(survey.sums(1).largest_error), 1.9F);
}

TEST(CastSurvey, WeightsLoadedAsFp64KeepWhatFp32Rounds) {
  const std::vector<double> stored{1.0 + 0x1p-40, 1.0, 1e39};
  CastSurvey survey(all, plain_shape(1, 3, ElementFormat::fp64));
  survey.add(stored, stored, {0, 0, 3}, 0);
  EXPECT_FALSE(survey.difference(1, 0).equal_bits()) << "fp64 from fp32";
  EXPECT_EQ(survey.nonfinite(0), 1) << "1e39 overflows in fp32";
  EXPECT_EQ(survey.nonfinite(1), 0);
  EXPECT_EQ(survey.relative_error(1), 0);
}

TEST(CastSurvey, LongAndShortBlocksGiveTheSameSums) {
  std::vector<double> stored(1000);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = std::sin(static_cast<double>(i));
  const CastSurvey pieces = surveyed(stored, 7);
  const CastSurvey whole = surveyed(stored);
  EXPECT_EQ(whole.count(), pieces.count());
  EXPECT_NEAR(whole.squared_norm(2), pieces.squared_norm(2), 1e-13 * whole.squared_norm(2));
}

TEST(CastSurvey, WeightsThatOverflowOrAreNotNumbersAreCounted) {
  const CastSurvey survey = surveyed({70000.0, std::nan(""), 1.0, -std::numeric_limits<double>::infinity()});
  EXPECT_EQ(survey.nonfinite(0), 2);
  EXPECT_EQ(survey.nonfinite(2), 3) << "70000 overflows in fp16";
  EXPECT_TRUE(std::isnan(survey.relative_error(0)));
}

TEST(CastSurvey, ZeroWeightsHaveNoError) {
  EXPECT_EQ(surveyed({0.0, 0.0}).relative_error(3), 0.0);
}

}  // namespace
}  // namespace alphahill
