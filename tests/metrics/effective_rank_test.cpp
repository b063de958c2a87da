#include "alphahill/metrics/effective_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace alphahill {
namespace {

constexpr double rounding = 8 * std::numeric_limits<double>::epsilon();

TEST(EffectiveRank, IsOneWhereAllDirectionsCountAlikeAndOneOverNWhereOneDoes) {
  EXPECT_NEAR(effective_rank(std::vector<double>(8, 3.0)), 1, rounding);
  EXPECT_NEAR(effective_rank(std::vector<double>{0, 0, 0, 5}), 0.25, rounding);
}

TEST(EffectiveRank, IsTheExponentialOfTheEntropyOverN) {
  // -0.25 ln 0.25 - 0.75 ln 0.75
  EXPECT_NEAR(effective_rank(std::vector<double>{1, 3}), 0.5 * std::exp(0.5623351446188083), rounding);
}

TEST(EffectiveRank, ZeroWeightsHaveNone) {
  EXPECT_TRUE(std::isnan(effective_rank(std::vector<double>{0, 0})));
  EXPECT_TRUE(std::isnan(effective_rank({})));
}

}  // namespace
}  // namespace alphahill
