#include "alphahill/cluster/cost_model.hpp"

#include <gmock/gmock.h>

#include <array>

namespace alphahill {
namespace {

const AnalysisSettings one_cast{Format::fp32, {Format::fp32}, 0.1, 0};
const AnalysisSettings three_casts{Format::fp32, {Format::fp32, Format::fp16, Format::bf16}, 0.1, 0};

LayerShape square(std::int64_t order) {
  return shape_of(order, order, Format::bf16, one_cast);
}

double seconds(const CostModel& cost, const LayerShape& shape, int team_size = 1) {
  return cost.seconds(shape, team_size).leader;
}

TEST(CostModel, ATallAndAWideLayerAreTheSame) {
  EXPECT_EQ(shape_of(4096, 14336, Format::bf16, one_cast), shape_of(14336, 4096, Format::bf16, one_cast));
}

TEST(CostModel, EveryDistinctCastIsReadAndDecomposed) {
  const LayerShape shape = shape_of(64, 32, Format::bf16, three_casts);
  EXPECT_EQ(shape.decompositions, 2) << "fp32 and bf16 are one for bf16";
  EXPECT_EQ(bytes_to_read(shape), 2 * 64 * 32 * 2);
}

TEST(CostModel, LargeLayersGrowWithTheCubeOfTheirOrder) {
  const CostModel cost(usual_rates());
  const double ratio = seconds(cost, square(32768)) / seconds(cost, square(16384));
  EXPECT_GT(ratio, 7.5);
  EXPECT_LT(ratio, 8);
}

TEST(CostModel, ATallerLayerTakesLongerByItsGramMatrixAlone) {
  const CostModel cost(usual_rates());
  const auto taking = [&](std::int64_t rows) {
    return seconds(cost, shape_of(rows, 1024, Format::bf16, one_cast));
  };
  EXPECT_NEAR(taking(4096) - taking(3072), taking(3072) - taking(2048), 1e-9);
}

TEST(CostModel, ALayerWithoutWeightsTakesNextToNothing) {
  const CostModel cost(usual_rates());
  EXPECT_LT(seconds(cost, square(0)), 1e-3);
}

TEST(CostModel, ATeamIsFasterThanARankAndItsMembersAreFreeBeforeTheLeader) {
  const CostModel cost(usual_rates());
  const LayerSeconds two = cost.seconds(square(8192), 2);
  EXPECT_LT(two.leader, seconds(cost, square(8192)));
  EXPECT_LT(two.member, two.leader);
  EXPECT_DOUBLE_EQ(cost.work(square(8192), 2), two.leader + two.member);
}

TEST(CostModel, AMeasuredShapeTakesItsMeanFromThenOn) {
  CostModel cost(usual_rates());
  cost.learn(square(512), 1, 3);
  cost.learn(square(512), 1, 5);
  EXPECT_DOUBLE_EQ(seconds(cost, square(512)), 4);
}

TEST(CostModel, OtherShapesFollowOnceSecondsAreMeasured) {
  CostModel cost(usual_rates());
  const double before = seconds(cost, square(1024));
  const double each = seconds(cost, square(4096));
  for (int i = 0; i < 100; ++i) cost.learn(square(4096), 1, 3 * each);
  EXPECT_NEAR(seconds(cost, square(1024)) / before, 3, 0.1);
}

TEST(CostModel, MeasuredRatesArePlausible) {
  const Rates rates = measured_rates(200);
  ASSERT_EQ(rates.orders.size(), 2U) << "64 and 256 are enough";
  for (const RatesAtOrder& at : rates.orders) {
    EXPECT_GT(at.gram, 1e7);
    EXPECT_LT(at.gram, 1e13);
    EXPECT_GT(at.reduction, 1e7);
    EXPECT_LT(at.reduction, 1e13);
  }
}

TEST(CostModel, RatesBeyondTheMeasuredOrdersGrowAsTheUsualOnesDo) {
  const std::vector<RatesAtOrder> measured = measured_rates(10'000).orders;
  const std::vector<RatesAtOrder> usual = usual_rates().orders;
  ASSERT_EQ(measured.size(), usual.size());
  const auto growth = [](const std::vector<RatesAtOrder>& at) { return at.back().gram / at.end()[-2].gram; };
  EXPECT_NEAR(growth(measured), growth(usual), 1e-12);
}

TEST(CostModel, SpeedsAreAgainstTheFirstRankAndNearlyEqualOnesAreEqual) {
  EXPECT_THAT(speeds_against_the_first(std::array{2.0, 2.09, 1.91, 1.0, 4.0}),
              testing::ElementsAre(1, 1, 1, 2, 0.5));
  EXPECT_THAT(speeds_against_the_first({}), testing::IsEmpty());
}

}  // namespace
}  // namespace alphahill
