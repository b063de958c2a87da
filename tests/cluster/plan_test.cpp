#include "alphahill/cluster/plan.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "alphahill/cluster/prediction.hpp"
#include "alphahill/spectrum/team_svd.hpp"
#include "cluster/known_costs.hpp"
#include "support/captured_log.hpp"
#include "support/failing_allocations.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;

const AnalysisSettings one_cast{Format::fp32, {Format::fp32}, 0.1, 0};
const CostModel usual(usual_rates());
constexpr std::int64_t enough_memory = std::numeric_limits<std::int64_t>::max();

Layer layer(std::int64_t rows, std::int64_t cols) {
  Layer layer;
  layer.out_features = layer.rows = rows;
  layer.in_features = layer.cols = cols;
  layer.format = Format::bf16;
  return layer;
}

Catalog catalog(std::vector<Layer> layers) {
  return {"folder", "00", {}, std::move(layers)};
}

Plan plan_of(const std::vector<Layer>& layers) {
  return make_plan(catalog(layers), one_cast, [](std::int64_t) { return LayerState::waiting; });
}

std::vector<std::int64_t> order(const Plan& plan) {
  std::vector<std::int64_t> numbers;
  for (const PlannedLayer& planned : plan.layers) numbers.push_back(planned.number);
  return numbers;
}

/// In layer order.
std::vector<int> team_sizes(const std::vector<Layer>& layers, const BlockLayout& ranks,
                            std::int64_t memory = enough_memory) {
  const Plan plan = with_end(plan_of(layers), usual, ranks, memory);
  std::vector<int> sizes;
  for (const auto& [layer, size] : predict(plan, usual, ranks).team_sizes) sizes.push_back(size);
  return sizes;
}

/// Whichever allocation of the search fails: the plan is one that can be carried out.
TEST(Plan, WhereTheSearchForTheEndFailsLayersStillHaveTheirLeastTeams) {
  const BlockLayout ranks{.ranks = 2, .first = 0, .largest_size = 2};
  const Plan plan = plan_of({layer(3000, 3000), layer(30, 30)});
  const std::int64_t memory = bytes_needed(plan.layers[0].shape, 2);
  ASSERT_GT(bytes_needed(plan.layers[0].shape, 1), memory);
  int failures = 0;
  for (std::int64_t failing = 20; failing < 60; ++failing) {
    const CapturedLog log;
    Plan copy = plan;
    allocations_to_failure() = failing;
    const Plan ended = with_end(std::move(copy), usual, ranks, memory);
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

TEST(Plan, FinishedAndUnsupportedLayersAreLeftOutAndSuspectsStandAlone) {
  auto layers = std::vector{layer(10, 10), layer(20, 20), layer(30, 30), layer(40, 40)};
  layers[1].unsupported = "quantized";
  const Plan plan = make_plan(catalog(layers), one_cast, [](std::int64_t number) {
    return number == 3 ? LayerState::finished : number == 4 ? LayerState::suspect : LayerState::waiting;
  });
  EXPECT_THAT(order(plan), ElementsAre(1, 4));
  EXPECT_FALSE(plan.layers[0].alone);
  EXPECT_TRUE(plan.layers[1].alone);
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
  std::vector<Layer> layers(20, layer(2048, 2048));
  layers.push_back(layer(16384, 16384));
  EXPECT_GT(team_sizes(layers, {8, 0, 8}).back(), 1);
  const auto seconds = [&](const BlockLayout& ranks) {
    return predict(with_end(plan_of(layers), usual, ranks, enough_memory), usual, ranks).seconds;
  };
  EXPECT_LT(seconds({8, 0, 8}), seconds({8, 0, 1}) / 2);
}

TEST(Plan, OnMoreRanksThanTheLayersCanUseNoLayerTakesThemFromAnother) {
  const std::vector<Layer> layers(7, layer(16384, 16384));
  const auto seconds = [&](int count, int ranks) {
    const Plan plan = plan_of({layers.begin(), layers.begin() + count});
    const BlockLayout blocks{ranks, 0, ranks};
    return predict(with_end(plan, usual, blocks, enough_memory), usual, blocks).seconds;
  };
  EXPECT_LT(seconds(7, 7 * 16), 1.05 * seconds(1, 16));
  EXPECT_LT(seconds(7, 7 * 32), 1.05 * seconds(1, 32));
}

TEST(Plan, ShortLayersAndEvenLoadsNeedNoTeams) {
  EXPECT_THAT(team_sizes({layer(2048, 2048)}, {4, 0, 4}), ElementsAre(1)) << "a second on one rank";
  EXPECT_THAT(team_sizes(std::vector<Layer>(40, layer(8192, 8192)), {4, 0, 4}), testing::Each(1));
}

TEST(Plan, ALayerThatOneRankCannotHoldGetsALargeEnoughTeam) {
  const std::vector<Layer> layers{layer(8192, 8192), layer(2048, 2048)};
  const LayerShape large = plan_of(layers).layers[0].shape;
  const std::int64_t memory = bytes_needed(large, 4);
  EXPECT_THAT(team_sizes(layers, {64, 0, 4}, memory), ElementsAre(4, 1));
  EXPECT_EQ(smallest_team(large, {64, 0, 2}, memory), std::nullopt);
}

/// What the analysis refuses for lack of memory must not be planned.
TEST(Plan, TheMemoryOfATeamIsThatOfTheSvdOfTheLayerAsItLies) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{4096, 14336}, {14336, 4096}}) {
    const LayerShape shape = plan_of({layer(rows, cols)}).layers[0].shape;
    const StoredMatrix matrix{rows, cols, Format::bf16, {}};
    for (const int members : {2, 4}) {
      EXPECT_GE(bytes_needed(shape, members), least_team_svd_bytes(matrix, members));
      EXPECT_EQ(bytes_needed(shape, members), peak_bytes(matrix, members));
    }
  }
}

/// On two ranks, the second half as fast: 30 seconds of usual speed and twice 10.
TEST(Plan, TheEndAllowsForTheSpeedsOfTheRanks) {
  KnownCosts known({30, 10, 10});
  known.plan.speeds = {1, 0.5};
  const Plan plan = with_end(known.plan, known.cost, single_ranks(2), enough_memory);
  EXPECT_NEAR(predict(plan, known.cost, single_ranks(2)).seconds, 40, 1e-9);
  EXPECT_NEAR(predict(plan, known.cost, single_ranks(2)).efficiency, 50 / (40 * 1.5), 1e-9);
}

}  // namespace
}  // namespace alphahill
