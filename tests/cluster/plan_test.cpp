#include "alphahill/cluster/plan.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "alphahill/cluster/prediction.hpp"
#include "cluster/known_costs.hpp"

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
  return make_plan(catalog(layers), one_cast, usual, [](std::int64_t) { return LayerState::waiting; });
}

std::vector<std::int64_t> order(const Plan& plan) {
  std::vector<std::int64_t> numbers;
  for (const PlannedLayer& planned : plan.layers) numbers.push_back(planned.number);
  return numbers;
}

std::vector<int> team_sizes(const Plan& plan) {
  std::vector<int> sizes;
  for (const PlannedLayer& planned : plan.layers) sizes.push_back(planned.team_size);
  return sizes;
}

TEST(Plan, LongestLayersComeFirstAndEqualOnesInLayerOrder) {
  EXPECT_THAT(order(plan_of({layer(10, 10), layer(300, 300), layer(10, 10), layer(200, 200), layer(0, 5)})),
              ElementsAre(2, 4, 1, 3, 5));
}

TEST(Plan, FinishedAndUnsupportedLayersAreLeftOutAndSuspectsStandAlone) {
  auto layers = std::vector{layer(10, 10), layer(20, 20), layer(30, 30), layer(40, 40)};
  layers[1].unsupported = "quantized";
  const Plan plan = make_plan(catalog(layers), one_cast, usual, [](std::int64_t number) {
    return number == 3 ? LayerState::finished : number == 4 ? LayerState::suspect : LayerState::waiting;
  });
  EXPECT_THAT(order(plan), ElementsAre(4, 1));
  EXPECT_TRUE(plan.layers[0].alone);
  EXPECT_FALSE(plan.layers[1].alone);
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
  const Plan plan = with_teams(plan_of(layers), usual, {8, 0, 8}, enough_memory);
  EXPECT_EQ(plan.layers[0].number, 21);
  EXPECT_GT(plan.layers[0].team_size, 1);
  const Plan alone = with_teams(plan_of(layers), usual, {8, 0, 1}, enough_memory);
  EXPECT_LT(predict(plan, usual, {8, 0, 8}).seconds, predict(alone, usual, {8, 0, 1}).seconds / 2);
}

TEST(Plan, ShortLayersAndEvenLoadsNeedNoTeams) {
  const auto sizes = [](const std::vector<Layer>& layers) {
    return team_sizes(with_teams(plan_of(layers), usual, {4, 0, 4}, enough_memory));
  };
  EXPECT_THAT(sizes({layer(2048, 2048)}), ElementsAre(1)) << "a second on one rank";
  EXPECT_THAT(sizes(std::vector<Layer>(40, layer(8192, 8192))), testing::Each(1));
}

TEST(Plan, ALayerThatOneRankCannotHoldGetsALargeEnoughTeam) {
  const Plan plan = plan_of({layer(8192, 8192), layer(2048, 2048)});
  const std::int64_t memory = bytes_needed(plan.layers[0].shape, 4);
  EXPECT_THAT(team_sizes(with_teams(plan, usual, {64, 0, 4}, memory)), ElementsAre(4, 1));
  EXPECT_EQ(smallest_team(plan.layers[0].shape, {64, 0, 2}, memory), std::nullopt);
}

}  // namespace
}  // namespace alphahill
