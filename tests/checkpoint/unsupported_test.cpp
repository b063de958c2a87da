/// Weights in forms that cannot be analysed: one layer each, with a reason.
#include <gtest/gtest.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

/// A line "name out x in dtype: reason" for each layer.
std::string layers_of(const CheckpointBuilder& builder, const std::string& model_type = "llama") {
  const TemporaryFolder folder;
  folder.write("config.json", fmt::format(R"({{"model_type": "{}"}})", model_type));
  builder.write(folder.path());
  std::string lines = "\n";
  for (const Layer& layer : open_catalog(folder.path(), "").layers) {
    lines += fmt::format("{} {}x{} {}: {}\n", layer.name, layer.out_features, layer.in_features,
                         layer.stored_dtype, layer.unsupported() == nullptr ? "" : *layer.unsupported());
  }
  return lines;
}

TEST(UnsupportedLayers, Fp8WithBlockScales) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight", "F8_E4M3", {40, 16});
  builder.add("model.layers.0.mlp.up_proj.weight_scale_inv", "F32", {1, 1});
  builder.add("lm_head.weight", "BF16", {90, 16});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 F8_E4M3: pre-quantized weights (F8_E4M3 with a scale) cannot be analysed
lm_head 90x16 BF16: 
)");
}

TEST(UnsupportedLayers, Fp8WithOneScale) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight", "F8_E4M3", {40, 16});
  builder.add("model.layers.0.mlp.up_proj.weight_scale", "F32", {1});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 F8_E4M3: pre-quantized weights (F8_E4M3 with a scale) cannot be analysed
)");
}

TEST(UnsupportedLayers, Nvfp4HasTwoWeightsInAByte) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight", "U8", {40, 8});
  builder.add("model.layers.0.mlp.up_proj.weight_scale", "F8_E4M3", {40, 1});
  builder.add("model.layers.0.mlp.up_proj.weight_scale_2", "F32", {});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 U8: pre-quantized weights (NVFP4) cannot be analysed
)");
}

TEST(UnsupportedLayers, NumbersThatAreNoWeights) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight", "I64", {40, 16});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 I64: expected F64, F32, F16 or BF16, found I64
)");
}

TEST(UnsupportedLayers, CompressedTensorsInI32ShowTheStoredInputs) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight_packed", "I32", {40, 2});
  builder.add("model.layers.0.mlp.up_proj.weight_scale", "BF16", {40, 1});
  builder.add("model.layers.0.mlp.up_proj.weight_shape", "I64", {2});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x2 I32: pre-quantized weights (compressed-tensors) cannot be analysed
)");
}

TEST(UnsupportedLayers, CompressedTensorsInU8HaveTwoWeightsInAByte) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight_packed", "U8", {40, 8});
  builder.add("model.layers.0.mlp.up_proj.weight_scale", "U8", {40, 1});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 U8: pre-quantized weights (compressed-tensors) cannot be analysed
)");
}

TEST(UnsupportedLayers, Mxfp4ExpertsOfGptOss) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.gate_up_proj_blocks", "U8", {4, 80, 2, 16});
  builder.add("model.layers.0.mlp.experts.gate_up_proj_scales", "U8", {4, 80, 2});
  builder.add("model.layers.0.mlp.experts.gate_up_proj_bias", "BF16", {4, 80});
  builder.add("model.layers.0.mlp.experts.down_proj_blocks", "U8", {4, 64, 3, 16});
  builder.add("model.layers.0.mlp.experts.down_proj_scales", "U8", {4, 64, 3});
  EXPECT_EQ(layers_of(builder, "gpt_oss"), R"(
model.layers.0.mlp.experts.gate_up_proj 80x64 U8: pre-quantized weights (MXFP4, 4 experts in one tensor) cannot be analysed
model.layers.0.mlp.experts.down_proj 64x96 U8: pre-quantized weights (MXFP4, 4 experts in one tensor) cannot be analysed
)");
}

TEST(UnsupportedLayers, ExpertTensorsOfGptOssAreStoredTransposed) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.gate_up_proj", "BF16", {4, 16, 80});
  builder.add("model.layers.0.mlp.experts.down_proj", "BF16", {4, 40, 16});
  EXPECT_EQ(layers_of(builder, "gpt_oss"), R"(
model.layers.0.mlp.experts.gate_up_proj 80x16 BF16: 4 experts in one tensor cannot be analysed
model.layers.0.mlp.experts.down_proj 16x40 BF16: 4 experts in one tensor cannot be analysed
)");
}

TEST(UnsupportedLayers, ExpertTensorsOfLlama4AreStoredTransposed) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.gate_up_proj", "BF16", {4, 16, 80});
  builder.add("model.layers.0.mlp.experts.down_proj", "BF16", {4, 40, 16});
  EXPECT_EQ(layers_of(builder, "llama4"), R"(
model.layers.0.mlp.experts.gate_up_proj 80x16 BF16: 4 experts in one tensor cannot be analysed
model.layers.0.mlp.experts.down_proj 16x40 BF16: 4 experts in one tensor cannot be analysed
)");
}

TEST(UnsupportedLayers, ExpertTensorsOfQwen3VlMoeAreStoredTransposed) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.gate_up_proj", "BF16", {4, 16, 80});
  builder.add("model.layers.0.mlp.experts.down_proj", "BF16", {4, 40, 16});
  EXPECT_EQ(layers_of(builder, "qwen3_vl_moe"), R"(
model.layers.0.mlp.experts.gate_up_proj 80x16 BF16: 4 experts in one tensor cannot be analysed
model.layers.0.mlp.experts.down_proj 16x40 BF16: 4 experts in one tensor cannot be analysed
)");
}

TEST(UnsupportedLayers, ExpertTensorsOfGraniteAreStoredAsTheyAre) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.block_sparse_moe.input_linear.weight", "BF16", {4, 80, 16});
  builder.add("model.layers.0.block_sparse_moe.output_linear.weight", "BF16", {4, 16, 40});
  EXPECT_EQ(layers_of(builder, "granitemoe"), R"(
model.layers.0.block_sparse_moe.input_linear 80x16 BF16: 4 experts in one tensor cannot be analysed
model.layers.0.block_sparse_moe.output_linear 16x40 BF16: 4 experts in one tensor cannot be analysed
)");
}

TEST(UnsupportedLayers, ConvolutionsNormsAndScalesAreNoLayers) {
  CheckpointBuilder builder;
  builder.add("conv.weight", "BF16", {8, 3, 4});
  builder.add("patch.weight", "BF16", {8, 3, 4, 4});
  builder.add("norm.weight", "BF16", {16});
  builder.add("norm.bias", "BF16", {16});
  builder.add("table", "F32", {4, 4});
  builder.add("embed_tokens.weight", "U8", {90, 8});
  builder.add("proj.weight", "F16", {4, 4});
  EXPECT_EQ(layers_of(builder), R"(
proj 4x4 F16: 
)");
}

TEST(UnsupportedLayers, APackedShapeThatOverflowsIsShownAsStored) {
  CheckpointBuilder builder;
  builder.add("proj.weight_packed", "U8", {0, 9'223'372'036'854'775'807});
  EXPECT_EQ(layers_of(builder), R"(
proj 0x9223372036854775807 U8: pre-quantized weights (compressed-tensors) cannot be analysed
)");
}

TEST(UnsupportedLayers, SizesThatOverflowBehindAZeroAreRefused) {
  CheckpointBuilder builder;
  builder.add("l.experts.w1", "U8", {0, 4'611'686'018'427'387'904, 4'611'686'018'427'387'904});
  const auto error = thrown_by([&] { layers_of(builder); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_STREQ(error->what(),
               "tensor 'l.experts.w1': the size of a layer of 4611686018427387904 x 4611686018427387904 "
               "weights overflows");
}

}  // namespace
}  // namespace alphahill
