#include "alphahill/results/statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace alphahill {
namespace {

constexpr double nan = no_figure;

// The expected values are numpy's: mean, std(ddof=1), min, median, max, quantile(0.25), quantile(0.75).
TEST(Statistics, AgreeWithNumpyOnAnOddNumberOfValues) {
  const std::array values{3.776467, 4.157295, 3.76435, 2.457474, 4.224285, 3.8571, 3.070437};
  const Statistics s = statistics_of(values);
  EXPECT_EQ(s.count, 7);
  EXPECT_DOUBLE_EQ(s.mean, 3.6153440000000003);
  EXPECT_DOUBLE_EQ(s.std, 0.6336029219382331);
  EXPECT_EQ(s.min, 2.457474);
  EXPECT_EQ(s.median, 3.776467);
  EXPECT_EQ(s.max, 4.224285);
  EXPECT_EQ(s.q25, 3.4173935);
  EXPECT_EQ(s.q75, 4.0071975);
}

TEST(Statistics, AgreeWithNumpyOnAnEvenNumberOfValues) {
  const std::array values{3.776467, 4.157295, 3.76435, 2.457474};
  const Statistics s = statistics_of(values);
  EXPECT_DOUBLE_EQ(s.mean, 3.5388965);
  EXPECT_DOUBLE_EQ(s.std, 0.7436756352606515);
  EXPECT_DOUBLE_EQ(s.median, 3.7704085);
  EXPECT_DOUBLE_EQ(s.q25, 3.4376309999999997);
  EXPECT_DOUBLE_EQ(s.q75, 3.871674);
}

TEST(Statistics, LeaveOutNaN) {
  const std::array values{nan, 2.0, nan, 4.0};
  const Statistics s = statistics_of(values);
  EXPECT_EQ(s.count, 2);
  EXPECT_EQ(s.mean, 3.0);
}

TEST(Statistics, OfOneValueHaveNoStandardDeviation) {
  const Statistics s = statistics_of(std::array{2.5});
  EXPECT_EQ(s.count, 1);
  EXPECT_TRUE(std::isnan(s.std));
  for (const double value : {s.mean, s.min, s.median, s.max, s.q25, s.q75}) EXPECT_EQ(value, 2.5);
}

TEST(Statistics, OfNothingAreACountOfZero) {
  const Statistics s = statistics_of(std::array{nan});
  EXPECT_EQ(s.count, 0);
  for (const double value : {s.mean, s.std, s.min, s.median, s.max, s.q25, s.q75})
    EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace alphahill
