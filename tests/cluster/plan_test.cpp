#include "alphahill/cluster/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphahill {
namespace {

using testing::ElementsAre;

const AnalysisSettings one_cast{Format::fp32, {Format::fp32}, 0.1, 0};

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

std::vector<std::int64_t> order(const Plan& plan) {
  std::vector<std::int64_t> numbers;
  for (const PlannedLayer& planned : plan.layers) numbers.push_back(planned.number);
  return numbers;
}

const auto none_finished = [](std::int64_t) { return false; };

TEST(Plan, ATallAndAWideLayerCostTheSame) {
  const double cost = flops(layer(4096, 14336), one_cast);
  EXPECT_DOUBLE_EQ(cost, 14336.0 * 4096 * 4096 + 4.0 / 3 * 4096 * 4096 * 4096);
  EXPECT_DOUBLE_EQ(flops(layer(14336, 4096), one_cast), cost);
}

TEST(Plan, EveryDistinctCastCosts) {
  const AnalysisSettings usual{Format::fp32, {Format::fp32, Format::fp16, Format::bf16}, 0.1, 0};
  EXPECT_DOUBLE_EQ(flops(layer(64, 64), usual), 2 * flops(layer(64, 64), one_cast))
      << "fp32 and bf16 are one for bf16";
  EXPECT_DOUBLE_EQ(bytes_to_read(layer(64, 32), usual), 2 * 64 * 32 * 2);
}

TEST(Plan, LongestLayersComeFirstAndEqualOnesInLayerOrder) {
  const Plan plan = make_plan(catalog({layer(10, 10), layer(30, 30), layer(10, 10), layer(20, 20)}), one_cast,
                              none_finished);
  EXPECT_THAT(order(plan), ElementsAre(2, 4, 1, 3));
}

TEST(Plan, FinishedAndUnsupportedLayersAreLeftOut) {
  auto layers = std::vector{layer(10, 10), layer(20, 20), layer(30, 30)};
  layers[1].unsupported = "quantized";
  const Plan plan = make_plan(catalog(layers), one_cast, [](std::int64_t number) { return number == 3; });
  EXPECT_THAT(order(plan), ElementsAre(1));
  EXPECT_DOUBLE_EQ(plan.flops, flops(layers[0], one_cast));
}

TEST(Plan, ALayerWithoutWeightsCostsNothing) {
  EXPECT_EQ(flops(layer(0, 5), one_cast), 0);
  EXPECT_EQ(make_plan(catalog({layer(0, 5)}), one_cast, none_finished).layers.size(), 1U);
}

TEST(Plan, TimeIsThatOfTheRankThatEndsLast) {
  const Plan plan =
      make_plan(catalog({layer(10, 10), layer(10, 10), layer(10, 10)}), one_cast, none_finished);
  const double one = flops(layer(10, 10), one_cast);
  EXPECT_DOUBLE_EQ(predicted_seconds(plan, 1, one), 3);
  EXPECT_DOUBLE_EQ(predicted_seconds(plan, 2, one), 2);
  EXPECT_DOUBLE_EQ(predicted_seconds(plan, 9, one), 1);
}

}  // namespace
}  // namespace alphahill
