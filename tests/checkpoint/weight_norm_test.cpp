/// Layers stored as directions and lengths: W = g v / ||v||.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "quantized_layer.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;

/// 3 x 4, whose rows have the norms 5, 2 and 13.
const std::vector<double> directions{3, 0, 0, -4, 1, 1, -1, 1, 0, 5, 12, 0};

/// X.weight_v and X.weight_g in F32.
CheckpointBuilder checkpoint(const std::vector<std::int64_t>& shape, const std::vector<double>& lengths) {
  CheckpointBuilder builder;
  builder.add("l.up_proj.weight_v", "F32", {3, 4}, in_fp32(directions));
  builder.add("l.up_proj.weight_g", "F32", shape, in_fp32(lengths));
  return builder;
}

TEST(WeightNorm, ALengthARowScalesTheRow) {
  const QuantizedLayer layer(checkpoint({3, 1}, {10, -3, 1}));
  ASSERT_EQ(layer.count(), 1U);
  EXPECT_EQ(layer.layer().name, "l.up_proj");
  EXPECT_EQ(layer.layer().category, "mlp_up");
  EXPECT_EQ(layer.layer().stored_as(), "fp32 weight norm");
  EXPECT_EQ(layer.layer().bits_per_weight(), 32 * 15.0 / 12);
  const std::vector<double> expected{6,    0,    0,   -8,  //
                                     -1.5, -1.5, 1.5, -1.5, 0, 5.0 / 13, 12.0 / 13, 0};
  EXPECT_EQ(layer.values(), expected);
  const Block block{1, 2, 1, 2};
  EXPECT_EQ(layer.values(block), block_of(expected, 4, block)) << "norms are those of whole rows";
}

TEST(WeightNorm, ALengthAColumnScalesTheColumn) {
  const std::vector<double> lengths{1, 2, 3, 4};
  std::vector<double> expected;
  const std::vector<double> squares{10, 26, 145, 17};
  for (std::size_t k = 0; k < directions.size(); ++k) {
    expected.push_back(lengths[k % 4] * directions[k] / std::sqrt(squares[k % 4]));
  }
  EXPECT_EQ(QuantizedLayer(checkpoint({1, 4}, lengths)).values(), expected);
}

TEST(WeightNorm, OneLengthScalesTheWhole) {
  std::vector<double> expected;
  for (const double value : directions) expected.push_back(2 * value / std::sqrt(198));
  EXPECT_EQ(QuantizedLayer(checkpoint({}, {2})).values(), expected);
}

TEST(WeightNorm, ParametrizationsAreReadInAnyPlainFormatAndFromSeveralShards) {
  CheckpointBuilder builder;
  builder.add("l.up_proj.parametrizations.weight.original0", "F64", {3, 1}, std::vector<double>{10, 2, 1});
  builder.add("l.up_proj.parametrizations.weight.original1", "BF16", {3, 4}, in_bf16(directions));
  const QuantizedLayer layer(builder, "{}", 2);
  ASSERT_EQ(layer.count(), 1U);
  EXPECT_EQ(layer.layer().name, "l.up_proj");
  EXPECT_EQ(layer.values({0, 2, 0, 4}), (std::vector<double>{6, 0, 0, -8, 1, 1, -1, 1}));
}

TEST(WeightNorm, ConvolutionsAndLoneTensorsAreNoLayers) {
  CheckpointBuilder builder = checkpoint({3, 1}, {1, 1, 1});
  builder.add("conv.weight_v", "F32", {2, 2, 3}).add("conv.weight_g", "F32", {2, 1, 1});
  builder.add("other.weight_v", "F32", {2, 2});
  EXPECT_EQ(QuantizedLayer(builder).count(), 1U);
}

TEST(WeightNorm, LengthsThatDoNotFitAreRefused) {
  EXPECT_EQ(QuantizedLayer(checkpoint({2, 1}, {1, 1})).refusal(),
            "weight norm: expected lengths [3, 1], [1, 4] or one, found F32 [2, 1]");
}

TEST(WeightNorm, ARowOfZerosHasNoDirection) {
  CheckpointBuilder builder;
  builder.add("l.up_proj.weight_v", "F32", {2, 2}, std::vector<float>{1, 1, 0, 0});
  builder.add("l.up_proj.weight_g", "F32", {2, 1}, std::vector<float>{1, 1});
  EXPECT_THAT(QuantizedLayer(builder).refusal(),
              HasSubstr("tensor 'l.up_proj': weight norm: norm 1 of its directions is 0"));
}

TEST(WeightNorm, IsNotCalledQuantized) {
  const CapturedLog log;
  const QuantizedLayer layer(checkpoint({3, 1}, {1, 1, 1}));
  EXPECT_EQ(log.text(), "");
}

TEST(WeightNorm, AWeightThatIsComputedInAnotherWayIsUnsupported) {
  for (const std::string name : {"l.up_proj.parametrizations.weight.original", "l.up_proj.weight_orig"}) {
    CheckpointBuilder builder;
    builder.add(name, "F32", {3, 4});
    const QuantizedLayer layer(builder);
    EXPECT_EQ(layer.layer().name, "l.up_proj");
    EXPECT_EQ(layer.refusal(), "the weight is computed from this tensor in a way that is not known");
  }
}

}  // namespace
}  // namespace alphahill
