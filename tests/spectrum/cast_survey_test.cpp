#include "alphahill/spectrum/cast_survey.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace alphahill {
namespace {

const std::vector<Format> all{Format::fp32, Format::fp64, Format::fp16, Format::bf16};

CastSurvey surveyed(const std::vector<double>& stored) {
  CastSurvey survey(all);
  const std::vector<float> loaded(stored.begin(), stored.end());
  survey.add(stored, loaded);
  return survey;
}

TEST(CastSurvey, EqualBitsAreFoundAtTheFirstPrecisionThatHasThem) {
  const CastSurvey survey = surveyed({1.0, 0x1p-20, 1.0 + 0x1p-7});
  EXPECT_EQ(survey.first_equal(0), 0U);
  EXPECT_EQ(survey.first_equal(1), 0U);
  EXPECT_EQ(survey.first_equal(2), 0U);
  EXPECT_EQ(survey.first_equal(3), 0U);
}

TEST(CastSurvey, ADifferenceInAnyBlockCounts) {
  CastSurvey survey(all);
  for (const double weight : {1.0, 1.0 + 0x1p-9, 1.0}) survey.add({{weight}}, {{static_cast<float>(weight)}});
  EXPECT_EQ(survey.first_equal(2), 0U);
  EXPECT_EQ(survey.first_equal(3), 3U) << "2^-9 is lost in bf16";
}

TEST(CastSurvey, ErrorsAreMeasuredAgainstTheStoredWeights) {
  const CastSurvey survey = surveyed({1.0 + 0x1p-8, 1.0, 1.0 + 0x1p-40});
  const double norm = std::sqrt(3.0);
  EXPECT_NEAR(survey.relative_error(0), 0x1p-40 / norm, 1e-2 * 0x1p-40);
  EXPECT_NEAR(survey.relative_error(3), 0x1p-8 / norm, 1e-2 * 0x1p-8);
  EXPECT_DOUBLE_EQ(survey.squared_norm(3), 3.0);
}

TEST(CastSurvey, LongAndShortBlocksGiveTheSameSums) {
  std::vector<double> stored(1000);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = std::sin(static_cast<double>(i));
  CastSurvey pieces(all);
  for (std::size_t first = 0; first < stored.size(); first += 7) {
    const auto block = std::span(stored).subspan(first, std::min<std::size_t>(7, stored.size() - first));
    pieces.add(block, std::vector<float>(block.begin(), block.end()));
  }
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
