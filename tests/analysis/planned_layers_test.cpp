#include "alphahill/analysis/planned_layers.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <utility>

#include "alphahill/spectrum/team_svd.hpp"

namespace alphahill {
namespace {

const AnalysisSettings one_cast{ElementFormat::fp32, {ElementFormat::fp32}, 0.1, 0};
const AnalysisSettings three_casts{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 0};
constexpr std::int64_t enough_memory = std::numeric_limits<std::int64_t>::max();

Layer layer(std::int64_t rows, std::int64_t cols) {
  Layer layer;
  layer.layout = Plain{ElementFormat::bf16, {.rows = rows, .cols = cols, .row_stride = cols}};
  return layer;
}

Catalog catalog(std::vector<Layer> layers) {
  return {"folder", "00", {}, std::move(layers)};
}

TEST(PlannedLayers, ATallAndAWideLayerAreTheSame) {
  EXPECT_EQ(shape_of(layer(4096, 14336), one_cast), shape_of(layer(14336, 4096), one_cast));
}

TEST(PlannedLayers, EveryDistinctCastIsReadAndDecomposed) {
  const LayerShape shape = shape_of(layer(64, 32), three_casts);
  EXPECT_EQ(shape.decompositions, 2) << "fp32 and bf16 are one for bf16";
  EXPECT_EQ(shape.stored_bytes, 64 * 32 * 2);
}

TEST(PlannedLayers, WhatIsStoredIsReadOnceMoreForTheSurveyAndNotDecomposed) {
  AnalysisSettings settings = one_cast;
  settings.precisions.push_back(parse_precision("int4", "precisions"));
  settings.survey = {parse_precision("nvfp4", "survey")};
  EXPECT_EQ(passes(shape_of(layer(64, 32), settings)), 2)
      << "the survey is made in the pass of a decomposition";
  EXPECT_EQ(passes(shape_of(layer(64, 32), settings, 1)), 2);
  EXPECT_EQ(passes(shape_of(layer(64, 32), settings, 2)), 1);
  EXPECT_EQ(shape_of(layer(64, 32), settings, 2).decompositions, 0);
  EXPECT_EQ(shape_of(layer(64, 32), settings).scaled_casts, 2);
}

TEST(PlannedLayers, WhatSharesAScaleIsReadOnceWhereAPrecisionHasOneOfTheTensor) {
  Layer key = layer(8, 32);
  key.fused_with = {layer(64, 32), layer(4096, 4096)};
  for (std::size_t i = 0; i < 2; ++i) {
    key.fused_with[i].out_features = i == 0 ? 64 : 4096;
    key.fused_with[i].in_features = i == 0 ? 32 : 4096;
  }
  AnalysisSettings settings = one_cast;
  settings.fuse_scales = true;
  settings.survey = {parse_precision("int4", "survey")};
  EXPECT_EQ(shape_of(key, settings).partner_bytes, 0);
  const std::int64_t alone = bytes_needed(key, settings, 1);
  settings.survey.push_back(parse_precision("nvfp4", "survey"));
  EXPECT_EQ(shape_of(key, settings).partner_bytes, 2 * (64 * 32 + 4096 * 4096));
  EXPECT_EQ(shape_of(key, settings).partner_weights, 64 * 32 + 4096 * 4096);
  EXPECT_GT(bytes_needed(key, settings, 1), alone);
  settings.fuse_scales = false;
  EXPECT_EQ(shape_of(key, settings).partner_bytes, 0);
}

TEST(PlannedLayers, ASurveyAloneNeedsNoMemoryForAGramMatrix) {
  const AnalysisSettings survey{.load = ElementFormat::fp32,
                                .precisions = {},
                                .k_fraction = 0.1,
                                .share_tolerance = 0,
                                .survey = {ElementFormat::fp16}};
  EXPECT_LT(bytes_needed(layer(16384, 16384), survey, 1), std::int64_t{128} << 20);
}

TEST(PlannedLayers, FinishedAndUnsupportedLayersAreLeftOutAndSuspectsStandAlone) {
  auto layers = std::vector{layer(10, 10), layer(20, 20), layer(30, 30), layer(40, 40)};
  layers[1].layout = Unsupported{"quantized", {}};
  const Plan plan = make_plan(catalog(layers), one_cast, {1, 0, 1}, enough_memory, [](std::int64_t number) {
    return number == 3 ? LayerState::finished : number == 4 ? LayerState::suspect : LayerState::waiting;
  });
  ASSERT_EQ(plan.layers.size(), 2U);
  EXPECT_EQ(plan.layers[0].number, 1);
  EXPECT_FALSE(plan.layers[0].alone);
  EXPECT_EQ(plan.layers[1].number, 4);
  EXPECT_TRUE(plan.layers[1].alone);
}

TEST(PlannedLayers, ALayerThatOneRankCannotHoldNeedsALargeEnoughTeam) {
  const Layer large = layer(8192, 8192);
  const std::int64_t memory = bytes_needed(large, one_cast, 4);
  const Plan plan = make_plan(catalog({large, layer(2048, 2048)}), one_cast, {64, 0, 4}, memory,
                              [](std::int64_t) { return LayerState::waiting; });
  EXPECT_EQ(plan.layers[0].least_team, 4);
  EXPECT_EQ(plan.layers[1].least_team, 1);
  EXPECT_EQ(smallest_team(large, one_cast, {64, 0, 2}, memory), std::nullopt);
}

/// What the analysis refuses for lack of memory must not be planned.
TEST(PlannedLayers, TheMemoryOfATeamIsThatOfTheSvdOfTheLayerAsItLies) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{4096, 14336}, {14336, 4096}}) {
    const WeightShape matrix = plain_shape(rows, cols, ElementFormat::bf16);
    for (const int members : {2, 4}) {
      EXPECT_GE(bytes_needed(layer(rows, cols), one_cast, members), least_team_svd_bytes(matrix, members));
      EXPECT_EQ(bytes_needed(layer(rows, cols), one_cast, members), peak_bytes(matrix, members));
    }
  }
}

}  // namespace
}  // namespace alphahill
