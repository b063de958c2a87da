#include "alphahill/schedule/cost_model.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "alphahill/base/error.hpp"

namespace alphahill {
namespace {

/// In bf16.
LayerShape shape_of(std::int64_t longer_side, std::int64_t order) {
  return {longer_side, order, longer_side * order * 2, 1};
}

LayerShape square(std::int64_t order) {
  return shape_of(order, order);
}

double seconds(const CostModel& cost, const LayerShape& shape, int team_size = 1) {
  return cost.seconds(shape, team_size).leader;
}

TEST(CostModel, LargeLayersGrowWithTheCubeOfTheirOrder) {
  const CostModel cost(usual_rates());
  const double ratio = seconds(cost, square(32768)) / seconds(cost, square(16384));
  EXPECT_GT(ratio, 7.5);
  EXPECT_LT(ratio, 8);
}

TEST(CostModel, ATallerLayerTakesLongerByItsGramMatrixAlone) {
  const CostModel cost(usual_rates());
  const auto taking = [&](std::int64_t rows) { return seconds(cost, shape_of(rows, 1024)); };
  EXPECT_NEAR(taking(4096) - taking(3072), taking(3072) - taking(2048), 1e-9);
}

TEST(CostModel, ALayerWithoutWeightsTakesNextToNothing) {
  const CostModel cost(usual_rates());
  EXPECT_LT(seconds(cost, square(0)), 1e-3);
}

TEST(CostModel, LayersThatShareScalesAreReadOnceInPartsByATeam) {
  const CostModel cost(usual_rates());
  LayerShape shape = square(1024);
  const double read = (2.0 / usual_rates().read_bytes + 1 / usual_rates().cast_weights) * 3e6;
  for (const int members : {1, 2}) {
    const double alone = seconds(cost, square(1024), members);
    shape.partner_bytes = 6'000'000;
    shape.partner_weights = 3'000'000;
    EXPECT_NEAR(seconds(cost, shape, members) - alone, read / members, 1e-9);
  }
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

TEST(CostModel, ATimeThatIsNoPositiveNumberTeachesNothing) {
  CostModel cost(usual_rates());
  const double before = seconds(cost, square(512));
  for (const double nonsense : {0.0, -1.0, HUGE_VAL, std::nan("")}) cost.learn(square(512), 1, nonsense);
  EXPECT_EQ(seconds(cost, square(512)), before);
  EXPECT_EQ(cost.slowdown(), 1);
}

TEST(CostModel, ARateThatIsNoPositiveNumberIsRefused) {
  for (const double nonsense : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    Rates rates = usual_rates();
    rates.orders[2].finish = nonsense;
    EXPECT_THROW(CostModel{rates}, Error) << nonsense;
  }
}

}  // namespace
}  // namespace alphahill
