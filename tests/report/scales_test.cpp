#include "report/plots/scales.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace alphahill {
namespace {

using testing::ElementsAre;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class Scale>
std::vector<std::string> labels_of(const Scale& scale, int most) {
  std::vector<std::string> labels;
  for (const Tick& tick : scale.ticks(most)) labels.push_back(tick.label);
  return labels;
}

TEST(AlphaScale, HasTicksAtRoundNumbers) {
  EXPECT_THAT(labels_of(AlphaScale(std::array{2.03, nan, 5.8}), 6), ElementsAre("2", "3", "4", "5", "6"));
  EXPECT_THAT(labels_of(AlphaScale(std::array{3.98, 4.11}), 6), ElementsAre("4.00", "4.05", "4.10"));
}

TEST(AlphaScale, OfLargeValuesHasShortTicks) {
  EXPECT_THAT(labels_of(AlphaScale(std::array{123456789.0}), 6),
              ElementsAre("1.225e8", "1.230e8", "1.235e8", "1.240e8", "1.245e8"));
}

TEST(AlphaScale, HasNoNegativeZero) {
  EXPECT_THAT(labels_of(AlphaScale(std::array{0.2, 8.0}), 6), ElementsAre("0", "2", "4", "6", "8"));
}

TEST(AlphaScale, OfEqualValuesHasAnExtent) {
  const AlphaScale scale(std::array{3.0, 3.0});
  EXPECT_LT(scale.low(), 2.99);
  EXPECT_GT(scale.high(), 3.01);
}

TEST(AlphaScale, OfNoValuesHasNoTicks) {
  EXPECT_TRUE(AlphaScale(std::array{nan}).ticks(6).empty());
}

TEST(ChangeScale, PutsExactZeroAloneOnTheZeroLine) {
  const ChangeScale scale(std::array{0.0, 3e-9, -2e-4});
  EXPECT_EQ(scale.place(0), 0);
  EXPECT_GE(scale.place(3e-9), 1);
  EXPECT_LE(scale.place(-2e-4), -1);
}

TEST(ChangeScale, GivesEachDecadeTheSameRoom) {
  const ChangeScale scale(std::array{1e-9, -1e-1});
  EXPECT_NEAR(scale.place(1e-5) - scale.place(1e-6), 1, 1e-12);
  EXPECT_NEAR(scale.place(-1e-2) - scale.place(-1e-1), 1, 1e-12);
  EXPECT_NEAR(scale.place(-1e-4), -scale.place(1e-4), 1e-12);
}

TEST(ChangeScale, ReachesNoFurtherThanTheChanges) {
  const ChangeScale scale(std::array{2e-6, 3e-4, nan, std::numeric_limits<double>::infinity()});
  EXPECT_EQ(scale.low(), -0.5);
  EXPECT_EQ(scale.high(), 4);
  EXPECT_THAT(labels_of(scale, 6), ElementsAre("0", "+1e-6", "+1e-5", "+1e-4", "+1e-3"));
}

TEST(ChangeScale, ThinsItsTicks) {
  EXPECT_THAT(labels_of(ChangeScale(std::array{1.5e-9, -1.5e-2}), 6),
              ElementsAre("0", "+1e-9", "-1e-9", "-1e-7", "-1e-5", "-1e-3", "-1e-1"));
}

TEST(ChangeScale, OfNoChangeIsTheZeroLine) {
  const ChangeScale scale(std::array{0.0, nan});
  EXPECT_THAT(labels_of(scale, 6), ElementsAre("0"));
  EXPECT_EQ(scale.place(0), 0);
  EXPECT_LT(scale.low(), scale.high());
}

TEST(ChangeScale, KeepsChangesBelowItsDecadesOffTheZeroLine) {
  const ChangeScale scale(std::array{1e-300, 1e-1});
  EXPECT_GT(scale.place(1e-15), 0);
  EXPECT_LE(scale.high(), 14);
}

std::vector<std::string> log_ticks_of(const LogScale& scale) {
  std::vector<std::string> labels;
  for (const Tick& tick : scale.ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(LogScale, HasTicksAtPowersOfTen) {
  const LogScale scale(std::array{2e-5, 0.3, 0.0, nan});
  EXPECT_THAT(log_ticks_of(scale), ElementsAre("1e-4", "1e-3", "1e-2", "1e-1"));
  EXPECT_LT(scale.low(), std::log10(2e-5));
  EXPECT_EQ(scale.place(1e-9), scale.low());
}

TEST(LogScale, OfFewDecadesHasTicksBetween) {
  EXPECT_THAT(log_ticks_of(LogScale(std::array{0.04, 0.3})), ElementsAre("5e-2", "1e-1", "2e-1"));
  EXPECT_THAT(log_ticks_of(LogScale(std::array{0.06, 0.3})),
              ElementsAre("5e-2", "7e-2", "1e-1", "1.5e-1", "2e-1", "3e-1"));
  for (double value = 1; value < 10; value *= 1.01) {
    EXPECT_FALSE(LogScale(std::array{value}).ticks().empty()) << value;
  }
}

TEST(LogScale, OfNoValuesHasAnExtent) {
  const LogScale scale(std::array{nan, 0.0});
  EXPECT_LT(scale.low(), scale.high());
}

TEST(AlphaText, OfLargeFiguresIsShort) {
  EXPECT_EQ(alpha_text(3.14159, 4), "3.1416");
  EXPECT_EQ(alpha_text(123456789, 6), "1.23e+08");
}

TEST(ChangeText, IsShort) {
  EXPECT_EQ(change_text(1.234e-6, 1), "+1.2e-6");
  EXPECT_EQ(change_text(-0.5, 2), "-5.00e-1");
  EXPECT_EQ(change_text(1e-12, 0), "+1e-12");
  EXPECT_EQ(change_text(0, 2), "0");
}

}  // namespace
}  // namespace alphahill
