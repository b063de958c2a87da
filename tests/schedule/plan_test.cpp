#include "alphahill/schedule/plan.hpp"

#include <gmock/gmock.h>

#include "alphahill/schedule/prediction.hpp"
#include "schedule/known_costs.hpp"
#include "support/captured_log.hpp"
#include "support/failing_allocations.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;

const CostModel usual(usual_rates());

/// A square layer of bf16 weights.
PlannedLayer layer(std::int64_t order, int least_team = 1) {
  return {.number = 0, .shape = {order, order, order * order * 2, 1}, .least_team = least_team};
}

Plan plan_of(std::vector<PlannedLayer> layers) {
  std::int64_t number = 0;
  for (PlannedLayer& layer : layers) layer.number = ++number;
  return {.layers = std::move(layers), .speeds = {}, .end_seconds = 0};
}

/// In layer order.
std::vector<int> team_sizes(const std::vector<PlannedLayer>& layers, const BlockLayout& ranks) {
  const Plan plan = with_end(plan_of(layers), usual, ranks);
  std::vector<int> sizes;
  for (const auto& [layer, size] : predict(plan, usual, ranks).team_sizes) sizes.push_back(size);
  return sizes;
}

/// Whichever allocation of the search fails: the plan is one that can be carried out.
TEST(Plan, WhereTheSearchForTheEndFailsLayersStillHaveTheirLeastTeams) {
  const BlockLayout ranks{.ranks = 2, .first = 0, .largest_size = 2};
  const Plan plan = plan_of({layer(3000, 2), layer(30)});
  int failures = 0;
  for (std::int64_t failing = 20; failing < 60; ++failing) {
    const CapturedLog log;
    Plan copy = plan;
    allocations_to_failure() = failing;
    const Plan ended = with_end(std::move(copy), usual, ranks);
    allocations_to_failure() = 0;
    EXPECT_EQ(ended.layers[0].least_team, 2);
    EXPECT_EQ(ended.layers[1].least_team, 1);
    if (log.text().empty()) continue;
    ++failures;
    EXPECT_EQ(ended.end_seconds, 0);
    EXPECT_THAT(log.text(),
                testing::MatchesRegex("warning: [^\n]+; the end of the run is not predicted[^\n]*\n"));
  }
  EXPECT_GT(failures, 10);
}

TEST(Plan, TimeIsThatOfTheRankThatEndsLast) {
  const KnownCosts known({10, 10, 10});
  EXPECT_NEAR(predict(known.plan, known.cost, single_ranks(1)).seconds, 30, 1e-9);
  EXPECT_NEAR(predict(known.plan, known.cost, single_ranks(2)).seconds, 20, 1e-9);
  EXPECT_NEAR(predict(known.plan, known.cost, single_ranks(2)).efficiency, 0.75, 1e-9);
  EXPECT_NEAR(predict(known.plan, known.cost, single_ranks(9)).seconds, 10, 1e-9);
}

TEST(Plan, TheCriticalLayerIsTheOneThatIsDoneLast) {
  const KnownCosts known({100, 10, 10});
  EXPECT_EQ(predict(known.plan, known.cost, single_ranks(2)).critical_layer, 1);
}

TEST(Plan, ALayerThatWouldEndAfterEverythingElseGetsATeam) {
  std::vector<PlannedLayer> layers(20, layer(2048));
  layers.push_back(layer(16384));
  EXPECT_GT(team_sizes(layers, {8, 0, 8}).back(), 1);
  const auto seconds = [&](const BlockLayout& ranks) {
    return predict(with_end(plan_of(layers), usual, ranks), usual, ranks).seconds;
  };
  EXPECT_LT(seconds({8, 0, 8}), seconds({8, 0, 1}) / 2);
}

TEST(Plan, OnMoreRanksThanTheLayersCanUseNoLayerTakesThemFromAnother) {
  const std::vector<PlannedLayer> layers(7, layer(16384));
  const auto seconds = [&](int count, int ranks) {
    const Plan plan = plan_of({layers.begin(), layers.begin() + count});
    const BlockLayout blocks{ranks, 0, ranks};
    return predict(with_end(plan, usual, blocks), usual, blocks).seconds;
  };
  EXPECT_LT(seconds(7, 7 * 16), 1.05 * seconds(1, 16));
  EXPECT_LT(seconds(7, 7 * 32), 1.05 * seconds(1, 32));
}

TEST(Plan, ShortLayersAndEvenLoadsNeedNoTeams) {
  EXPECT_THAT(team_sizes({layer(2048)}, {4, 0, 4}), ElementsAre(1)) << "less than a second on one rank";
  EXPECT_THAT(team_sizes(std::vector<PlannedLayer>(40, layer(8192)), {4, 0, 4}), testing::Each(1));
}

TEST(Plan, ALayerOfAFewSecondsThatEverythingWaitsForGetsAllRanks) {
  EXPECT_THAT(team_sizes({layer(4096)}, {4, 0, 4}), ElementsAre(4)) << "three seconds on one rank";
  EXPECT_THAT(team_sizes({layer(8192)}, {128, 0, 128}), ElementsAre(128)) << "5% faster than 64 ranks";
}

TEST(Plan, ALayerThatOneRankCannotHoldGetsALargeEnoughTeam) {
  EXPECT_THAT(team_sizes({layer(8192, 4), layer(2048)}, {64, 0, 4}), ElementsAre(4, 1));
}

/// On two ranks, the second half as fast: 30 seconds of usual speed and twice 10.
TEST(Plan, TheEndAllowsForTheSpeedsOfTheRanks) {
  KnownCosts known({30, 10, 10});
  known.plan.speeds = {1, 0.5};
  const Plan plan = with_end(known.plan, known.cost, single_ranks(2));
  EXPECT_NEAR(predict(plan, known.cost, single_ranks(2)).seconds, 40, 1e-9);
  EXPECT_NEAR(predict(plan, known.cost, single_ranks(2)).efficiency, 50 / (40 * 1.5), 1e-9);
}

}  // namespace
}  // namespace alphahill
