/// Experts in one tensor in FP8 or NVFP4: which scales are those of an expert's projection, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "checkpoint/quantized_layer.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t hidden_side = 4, inner_side = 6;
const std::string moe = "l.experts.";

/// Codes of 1 in F8_E4M3: weights are their scales.
class CodedExperts : public testing::Test {
 protected:
  void add_codes(const std::string& name, std::vector<std::int64_t> shape) {
    const auto count = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    builder_.add(name, "F8_E4M3", std::move(shape), std::vector<std::uint8_t>(count, 0x38));
  }
  /// The scales 1, 2, 3, ...
  void add_scales(const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t count = 1;
    for (const std::int64_t side : shape) count *= side;
    std::vector<float> scales(static_cast<std::size_t>(count));
    std::iota(scales.begin(), scales.end(), 1.0F);
    builder_.add(name, "F32", std::move(shape), scales);
  }
  QuantizedLayer open(const std::string& model_type, const std::string& block = "null") const {
    return QuantizedLayer(builder_,
                          fmt::format(R"({{"model_type": "{}", "hidden_size": {}, "quantization_config":
                                  {{"quant_method": "fp8", "weight_block_size": {}}}}})",
                                      model_type, hidden_side, block));
  }
  static std::string names(const QuantizedLayer& layers) {
    std::string text;
    for (std::size_t i = 0; i < layers.count(); ++i) {
      const Layer& layer = layers.layer(i);
      text +=
          fmt::format("{} {}x{} {}\n", layer.name, layer.out_features, layer.in_features, layer.stored_as());
    }
    return text;
  }

  CheckpointBuilder builder_;
};

/// Llama 4 by fbgemm: [experts, in, out], a scale an output feature, of down_proj in [experts, out, 1].
TEST_F(CodedExperts, TransposedWithAScaleAnOutputFeature) {
  add_codes(moe + "gate_up_proj", {2, hidden_side, 2 * inner_side});
  add_scales(moe + "gate_up_proj_scale", {2, 1, 2 * inner_side});
  add_codes(moe + "down_proj", {2, inner_side, hidden_side});
  add_scales(moe + "down_proj_scale", {2, hidden_side, 1});
  const QuantizedLayer layers = open("llama4_text");
  EXPECT_EQ(names(layers), R"(l.experts.0.gate_proj 6x4 F8_E4M3 per row
l.experts.0.up_proj 6x4 F8_E4M3 per row
l.experts.0.down_proj 4x6 F8_E4M3 per row
l.experts.1.gate_proj 6x4 F8_E4M3 per row
l.experts.1.up_proj 6x4 F8_E4M3 per row
l.experts.1.down_proj 4x6 F8_E4M3 per row
)");
  EXPECT_THAT(layers.values({3, 1, 0, 6}, 0), ElementsAre(1, 2, 3, 4, 5, 6)) << "a row of the transpose";
  EXPECT_THAT(layers.values({0, 2, 4, 2}, 1), ElementsAre(11, 12, 11, 12));
  EXPECT_THAT(layers.values({5, 1, 0, 4}, 2), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(layers.values({0, 1, 0, 6}, 4), ElementsAre(19, 20, 21, 22, 23, 24));
  EXPECT_THAT(layers.values({0, 2, 3, 1}, 5), ElementsAre(8, 8));
  EXPECT_DOUBLE_EQ(layers.layer(0).bits_per_weight(), 8.0 * (24 + 6 * 4) / 24);
}

TEST_F(CodedExperts, BlocksInEitherAxisOrder) {
  add_codes(moe + "gate_up_proj", {2, 2 * inner_side, hidden_side});
  add_scales(moe + "gate_up_proj_scale_inv", {2, 6, 2});
  add_codes(moe + "down_proj", {2, hidden_side, inner_side});
  add_scales(moe + "down_proj_scale_inv", {2, 2, 3});
  const QuantizedLayer rows = open("qwen3_5_moe_text", "[2, 2]");
  EXPECT_EQ(rows.layer(0).stored_as(), "F8_E4M3 block 2x2");
  EXPECT_THAT(rows.values({1, 2, 1, 2}, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(rows.values({0, 1, 0, 4}, 1), ElementsAre(7, 7, 8, 8));
  EXPECT_THAT(rows.values({0, 1, 0, 4}, 3), ElementsAre(13, 13, 14, 14));
  EXPECT_THAT(rows.values({2, 1, 0, 6}, 5), ElementsAre(10, 10, 11, 11, 12, 12));
  builder_ = {};
  add_codes(moe + "gate_up_proj", {2, hidden_side, 2 * inner_side});
  add_scales(moe + "gate_up_proj_scale_inv", {2, 2, 6});
  const QuantizedLayer cols = open("qwen3_vl_moe_text", "[2, 2]");
  EXPECT_EQ(cols.layer(1).stored_as(), "F8_E4M3 block 2x2");
  EXPECT_THAT(cols.values({1, 2, 0, 6}, 1), ElementsAre(4, 4, 5, 5, 6, 6, 10, 10, 11, 11, 12, 12));
}

TEST_F(CodedExperts, OneScaleOfAllOrOfEach) {
  for (const auto& shape : {std::vector<std::int64_t>{}, {1}, {2}, {2, 1}, {2, 1, 1}}) {
    builder_ = {};
    add_codes(moe + "gate_up_proj", {2, 2 * inner_side, hidden_side});
    add_scales(moe + "gate_up_proj_scale_inv", shape);
    const QuantizedLayer layers = open("mistral4");
    const double of_second = shape.empty() || shape[0] == 1 ? 1 : 2;
    EXPECT_EQ(layers.layer(1).stored_as(), "F8_E4M3 per tensor");
    EXPECT_THAT(layers.values(1), Each(1.0));
    EXPECT_THAT(layers.values(3), Each(of_second));
  }
}

TEST_F(CodedExperts, ProjectionsOfTheirOwnAreCalledWeights) {
  add_codes("l.moe.gate_proj.weight", {2, inner_side, hidden_side});
  add_scales("l.moe.gate_proj.weight_scale_inv", {2, 3, 1});
  const QuantizedLayer layers = open("step3p7", "[2, 4]");
  EXPECT_EQ(layers.layer(1).name, "l.moe.experts.1.gate_proj");
  EXPECT_THAT(layers.values({0, 6, 0, 1}, 1), ElementsAre(4, 4, 5, 5, 6, 6));
}

TEST_F(CodedExperts, AlternatingFeaturesHaveAlternatingScales) {
  add_codes(moe + "w13_weight", {2, 2 * inner_side, hidden_side});
  add_scales(moe + "w13_weight_scale", {2, 2 * inner_side, 1});
  const QuantizedLayer by_rows = open("inkling");
  EXPECT_THAT(by_rows.values({0, 6, 0, 1}, 1), ElementsAre(2, 4, 6, 8, 10, 12));
  builder_ = {};
  add_codes(moe + "gate_up_proj", {2, hidden_side, 2 * inner_side});
  add_scales(moe + "gate_up_proj_weight_scale", {2, 1, 2 * inner_side});
  EXPECT_THAT(open("gpt_oss").values({2, 1, 1, 4}, 2), ElementsAre(15, 17, 19, 21));
  builder_ = {};
  add_codes(moe + "w13_weight", {2, 2 * inner_side, hidden_side});
  add_scales(moe + "w13_weight_scale", {2, 3, 1});
  const QuantizedLayer shared = open("inkling", "[4, 4]");
  EXPECT_EQ(shared.layer(1).stored_as(), "F8_E4M3 block 2x4");
  EXPECT_THAT(shared.values({0, 6, 0, 1}, 3), ElementsAre(4, 4, 5, 5, 6, 6));
}

TEST_F(CodedExperts, ModelOptsNvfp4OfLlama4) {
  const std::size_t in = 32, out = hidden_side;
  std::vector<std::uint8_t> codes(2 * in / 2 * out);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = i / out % 2 == 0 ? 0x42 : 0x53;
  builder_.add(moe + "down_proj", "U8", {2, std::int64_t(in / 2), std::int64_t(out)}, codes);
  std::vector<std::uint8_t> scales(2 * in / 16 * out);
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<std::uint8_t>(0x38 + 8 * (i % 3));
  builder_.add(moe + "down_proj_weight_scale", "F8_E4M3", {2, std::int64_t(in / 16), std::int64_t(out)},
               scales);
  builder_.add(moe + "down_proj_weight_scale_2", "F32", {}, std::vector<float>{0.5F});
  const QuantizedLayer layers = open("llama4_text");
  EXPECT_EQ(layers.layer(1).stored_as(), "nvfp4 g16");
  EXPECT_EQ(layers.layer(1).in_features, 32);
  // The second expert's scales are 4, 1, 2, 4 and 1, 2, 4, 1; codes of rows 0 to 3 are 1, 2, 1.5, 3.
  EXPECT_THAT(layers.values({0, 4, 1, 2}, 1), ElementsAre(0.5, 1, 1, 2, 0.75, 1.5, 1.5, 3));
  EXPECT_THAT(layers.values({15, 2, 0, 4}, 1), ElementsAre(6, 1.5, 3, 6, 0.5, 1, 2, 0.5));
}

TEST_F(CodedExperts, CodesWithoutScalesThatFitAreRefused) {
  add_codes(moe + "down_proj", {2, hidden_side, inner_side});
  EXPECT_EQ(open("mistral4").refusal(),
            "experts in one tensor, F8_E4M3 [2, 4, 6]: codes without scales: expected "
            "l.experts.down_proj_scale_inv, l.experts.down_proj_scale or l.experts.down_proj_weight_scale");
  add_scales(moe + "down_proj_scale", {2, 1, 6});
  EXPECT_THAT(open("mistral4").refusal(),
              HasSubstr("l.experts.down_proj_scale: expected one scale, or for each of 2"))
      << "one an input feature";
  builder_ = {};
  add_codes(moe + "down_proj", {2, hidden_side, inner_side});
  add_scales(moe + "down_proj_scale", {3, 4, 1});
  EXPECT_THAT(open("mistral4").refusal(), HasSubstr("found F32 [3, 4, 1]"));
}

TEST_F(CodedExperts, ABlockThatGateAndUpShareIsRefused) {
  add_codes(moe + "gate_up_proj", {2, 2 * inner_side, hidden_side});
  add_scales(moe + "gate_up_proj_scale_inv", {2, 3, 1});
  EXPECT_EQ(
      open("mistral4", "[4, 4]").refusal(),
      "experts in one tensor, F8_E4M3 [2, 12, 4]: blocks of 4 output features do not divide into those of "
      "gate and up");
}

TEST_F(CodedExperts, AScaleThatIsNoneEndsTheLayersThatHaveIt) {
  add_codes(moe + "down_proj", {2, hidden_side, inner_side});
  builder_.add(moe + "down_proj_scale", "F32", {2, 1, 1}, std::vector<float>{-1, 2});
  const QuantizedLayer layers = open("mistral4");
  EXPECT_EQ(layers.refusal(), "l.experts.down_proj_scale: expected scales of at least 0, found -1 at (0, 0)");
  EXPECT_THAT(layers.values(1), Each(2.0));
}

TEST_F(CodedExperts, Nvfp4WithoutItsScalesIsRefused) {
  builder_.add(moe + "down_proj", "U8", {2, 16, 4});
  builder_.add(moe + "down_proj_weight_scale", "F8_E4M3", {2, 2, 4});
  EXPECT_EQ(open("llama4").refusal(),
            "experts in one tensor, U8 [2, 16, 4]: l.experts.down_proj_weight_scale_2 is missing");
  builder_ = {};
  builder_.add(moe + "down_proj", "U8", {2, 16, 4});
  builder_.add(moe + "down_proj_weight_scale", "F8_E4M3", {2, 4, 2});
  EXPECT_EQ(
      open("llama4").refusal(),
      "experts in one tensor, U8 [2, 16, 4]: l.experts.down_proj_weight_scale: expected F8_E4M3 [2, 32 / 16, "
      "4], found F8_E4M3 [2, 4, 2]");
}

}  // namespace
}  // namespace alphahill
