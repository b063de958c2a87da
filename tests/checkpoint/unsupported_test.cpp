/// Weights in forms that cannot be analysed: one layer each, with a reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

/// A line "name out x in dtype: reason" for each layer.
/// @param hidden_size  0: config.json has none
std::string layers_of(const CheckpointBuilder& builder, const std::string& model_type = "llama",
                      int hidden_size = 0) {
  const TemporaryFolder folder;
  const std::string size = hidden_size == 0 ? "null" : fmt::to_string(hidden_size);
  folder.write("config.json", fmt::format(R"({{"model_type": "{}", "hidden_size": {}}})", model_type, size));
  builder.write(folder.path());
  std::string lines = "\n";
  for (const Layer& layer : open_catalog(folder.path(), "").layers) {
    lines += fmt::format("{} {}x{} {}: {}\n", layer.name, layer.out_features, layer.in_features,
                         layer.stored_dtype, layer.unsupported() == nullptr ? "" : *layer.unsupported());
  }
  return lines;
}

TEST(UnsupportedLayers, NumbersThatAreNoWeights) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.up_proj.weight", "I64", {40, 16});
  EXPECT_EQ(layers_of(builder), R"(
model.layers.0.mlp.up_proj 40x16 I64: expected F64, F32, F16 or BF16, found I64
)");
}

TEST(UnsupportedLayers, IntegersOfModelOptWhoseInputsAreScaled) {
  CheckpointBuilder builder;
  builder.add("proj.weight", "U8", {20, 32});
  builder.add("proj.weight_scale", "BF16", {40, 2});
  builder.add("proj.pre_quant_scale", "BF16", {32});
  EXPECT_EQ(layers_of(builder), R"(
proj 40x32 U8: pre-quantized weights (int4 AWQ of ModelOpt) cannot be analysed
)");
}

struct FormatByName {
  std::string format;
  std::vector<std::tuple<std::string, std::string, std::vector<std::int64_t>>> tensors;
  std::string sides;
};

TEST(UnsupportedLayers, FormatsThatAreNotReadAreCalledByTheirNames) {
  const std::vector<FormatByName> formats{
      {"EXL2",
       {{"q_weight", "I32", {8, 64}}, {"q_scale", "I32", {2, 8}}, {"q_invperm", "I16", {32}}},
       "64x32 I32"},
      {"EXL3", {{"trellis", "I16", {2, 4, 64}}, {"suh", "F16", {32}}, {"svh", "F16", {64}}}, "64x32 I16"},
      {"HQQ", {{"W_q", "U8", {32, 64}}, {"meta", "U8", {99}}}, "32x64 U8"},
      {"AQLM", {{"codes", "I16", {64, 4, 1}}, {"codebooks", "F16", {1, 256, 1, 8}}}, "64x32 I16"},
      {"VPTQ",
       {{"indices", "I32", {1, 8, 64}},
        {"centroids.weight", "F16", {1, 2048}},
        {"res_centroids.weight", "F16", {1, 512}}},
       "8x64 F16"},
      {"torchao", {{"_weight_qdata", "I8", {64, 32}}, {"_weight_scale", "F32", {64, 1}}}, "64x32 I8"},
      {"QuIP#", {{"Qidxs", "I64", {64, 4}}, {"SU", "F16", {32}}, {"SV", "F16", {64}}}, "64x32 I64"},
      {"SpQR", {{"dense_weights", "I64", {128}}, {"row_offsets", "I32", {65}}}, "128x1 I64"},
      {"compressed-tensors sparse with a bitmask",
       {{"compressed", "BF16", {64, 16}}, {"bitmask", "U8", {64, 4}}},
       "64x32 BF16"},
      {"compressed-tensors sparse with a bitmask",
       {{"weight.compressed", "BF16", {64, 16}}, {"weight.bitmask", "U8", {64, 4}}},
       "64x32 BF16"},
      {"Marlin", {{"B", "I32", {2, 128}}, {"s", "F16", {1, 64}}}, "64x32 I32"},
      {"QQQ", {{"B", "I32", {2, 128}}, {"s_channel", "F32", {1, 64}}}, "64x32 I32"},
      {"Marlin 2:4",
       {{"weight_packed", "I32", {1, 128}}, {"scale_packed", "F16", {1, 64}}, {"meta", "I16", {32, 4}}},
       "64x32 I32"}};
  for (const FormatByName& format : formats) {
    CheckpointBuilder builder;
    for (const auto& [name, dtype, shape] : format.tensors) builder.add("a.q_proj." + name, dtype, shape);
    EXPECT_EQ(layers_of(builder),
              fmt::format("\na.q_proj {}: pre-quantized weights ({}) cannot be analysed\n", format.sides,
                          format.format));
  }
}

TEST(UnsupportedLayers, PlainMatricesCalledAsCodesAreNone) {
  CheckpointBuilder builder;
  builder.add("a.W_q", "F32", {4, 4}).add("a.B", "F32", {4, 4}).add("a.s", "F32", {4, 4});
  builder.add("proj.weight", "F16", {4, 4});
  EXPECT_EQ(layers_of(builder), "\nproj 4x4 F16: \n");
}

TEST(UnsupportedLayers, TheLargestTensorOfCodesThatAreNotKnownStandsForItsModule) {
  const TemporaryFolder folder;
  folder.write("config.json", R"({"quantization_config": {"quant_method": "new"}})");
  CheckpointBuilder builder;
  builder.add("a.q_proj.bits", "U8", {64, 8}).add("a.q_proj.more_bits", "U8", {64, 4});
  builder.add("a.k_proj.weight", "F32", {8, 8})
      .add("a.k_proj.mask", "U8", {64, 8})
      .add("a.id", "I64", {4, 4});
  builder.write(folder.path());
  const Catalog catalog = open_catalog(folder.path(), "");
  ASSERT_EQ(catalog.layers.size(), 2U);
  EXPECT_EQ(catalog.layers[0].name, "a.q_proj");
  EXPECT_EQ(*catalog.layers[0].unsupported(),
            "pre-quantized weights (new, U8 called bits) cannot be analysed");
  EXPECT_EQ(catalog.others.largest, "a.k_proj.mask [64, 8]");
}

TEST(UnsupportedLayers, AFusedProjectionInCodes) {
  CheckpointBuilder builder;
  builder.add("a.attn.in_proj_weight", "F8_E4M3", {12, 4}).add("a.attn.in_proj_weight_scale", "F32", {1});
  EXPECT_EQ(layers_of(builder), R"(
a.attn.in_proj 12x4 F8_E4M3: pre-quantized weights (F8_E4M3 with a scale) cannot be analysed
)");
}

TEST(UnsupportedLayers, CodesAreCalledByTheMethodThatTheConfigNames) {
  const TemporaryFolder folder;
  folder.write("config.json", R"({"quantization_config": {"quant_method": "quark"}})");
  CheckpointBuilder builder;
  builder.add("a.q_proj.weight", "I32", {4, 4}).add("a.q_proj.weight_scale", "F32", {4}).write(folder.path());
  EXPECT_EQ(*open_catalog(folder.path(), "").layers.at(0).unsupported(),
            "pre-quantized weights (quark, I32 with a scale) cannot be analysed");
}

TEST(UnsupportedLayers, AreCountedInAWarningWhateverElseIsFound) {
  CheckpointBuilder builder;
  builder.add("a.k_proj.weight", "F8_E4M3", {4, 4}).add("a.k_proj.weight_scale", "F32", {1});
  builder.add("a.q_proj.W_q", "U8", {4, 4}).add("a.v_proj.W_q", "U8", {4, 4});
  const CapturedLog log;
  layers_of(builder);
  EXPECT_THAT(log.text(), testing::HasSubstr("warning: 2 of 3 layers cannot be analysed, a.q_proj first: "
                                             "pre-quantized weights (HQQ) cannot be analysed\n"));
}

TEST(UnsupportedLayers, ExpertsInALayoutThatIsNotKnown) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.gate_up_proj", "BF16", {4, 80, 16});
  builder.add("model.layers.0.mlp.experts.gate_up_proj_bias", "BF16", {4, 80, 1});
  builder.add("model.layers.0.block_sparse_moe.w9.weight", "BF16", {4, 16, 40});
  EXPECT_EQ(layers_of(builder, "strange"), R"(
model.layers.0.mlp.experts.gate_up_proj 80x16 BF16: experts in one tensor, [4, 80, 16]: no layout that is known of model_type 'strange'
model.layers.0.block_sparse_moe.w9 16x40 BF16: experts in one tensor, [4, 16, 40]: no layout that is known of model_type 'strange'
)");
}

TEST(UnsupportedLayers, AnotherNameInAModelThatIsKnown) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.w9", "BF16", {4, 80, 16});
  EXPECT_EQ(layers_of(builder, "gpt_oss"), R"(
model.layers.0.mlp.experts.w9 80x16 BF16: experts in one tensor, [4, 80, 16]: no layout that is known of model_type 'gpt_oss'
)");
}

TEST(UnsupportedLayers, ExpertsOfAModelWhoseHiddenSizeIsNotKnown) {
  CheckpointBuilder builder;
  builder.add("model.layers.0.mlp.experts.down_proj", "BF16", {4, 40, 16});
  EXPECT_EQ(layers_of(builder, "gpt_oss"), R"(
model.layers.0.mlp.experts.down_proj 40x16 BF16: experts in one tensor, [4, 40, 16]: config.json does not say hidden_size
)");
}

TEST(UnsupportedLayers, ExpertsWhoseSidesDoNotFitHiddenSize) {
  CheckpointBuilder builder;
  builder.add("l.experts.down_proj", "BF16", {4, 40, 18});
  builder.add("l.experts.gate_up_proj", "BF16", {4, 16, 81});
  builder.add("m.experts.down_proj", "BF16", {4, 0, 16});
  builder.add("n.experts.down_proj", "BF16", {5000, 1, 16});
  EXPECT_EQ(layers_of(builder, "gpt_oss", 16), R"(
l.experts.gate_up_proj 16x81 BF16: experts in one tensor, [4, 16, 81]: its sides do not fit hidden_size 16
l.experts.down_proj 40x18 BF16: experts in one tensor, [4, 40, 18]: its sides do not fit hidden_size 16
m.experts.down_proj 16x0 BF16: experts in one tensor, [4, 0, 16]: it holds no weights
n.experts.down_proj 16x1 BF16: experts in one tensor, [5000, 1, 16]: more than 4096 experts
)");
}

TEST(UnsupportedLayers, ExpertsInCodes) {
  CheckpointBuilder builder;
  builder.add("l.experts.down_proj", "F8_E5M2", {4, 40, 16});
  builder.add("l.experts.gate_up_proj", "F8_E4M3", {4, 40, 17});
  EXPECT_EQ(layers_of(builder, "llama4", 16), R"(
l.experts.gate_up_proj 40x17 F8_E4M3: experts in one tensor, [4, 40, 17]: its sides do not fit hidden_size 16
l.experts.down_proj 16x40 F8_E5M2: pre-quantized weights (F8_E5M2, experts in one tensor, [4, 40, 16]) cannot be analysed
)");
}

TEST(UnsupportedLayers, ExpertsOfDbrxWhoseRouterDoesNotFit) {
  CheckpointBuilder builder;
  builder.add("a.ffn.experts.mlp.w2", "BF16", {81, 16});
  builder.add("a.ffn.router.layer.weight", "BF16", {4, 16});
  builder.add("b.ffn.experts.mlp.v1", "BF16", {80, 16});
  EXPECT_EQ(layers_of(builder, "dbrx", 16), R"(
a.ffn.router.layer 4x16 BF16: 
a.ffn.experts.mlp.w2 16x81 BF16: experts in one tensor, [81, 16]: expected rows for each of the experts of a.ffn.router.layer
b.ffn.experts.mlp.v1 80x16 BF16: experts in one tensor, [80, 16]: expected rows for each of the experts of b.ffn.router.layer
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
