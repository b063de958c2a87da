/// MLX: values against the formula of each mode, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "checkpoint/quantized_layer.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t rows = 3;
constexpr std::size_t cols = 64;
constexpr std::size_t groups = 2;

/// Affine codes of a 3 x 64 matrix in groups of 32.
struct Affine {
  std::size_t bits;
  std::vector<std::uint32_t> codes;
  std::vector<double> scales;
  std::vector<double> biases;

  explicit Affine(std::size_t code_bits) : bits(code_bits) {
    for (std::size_t i = 0; i < rows * cols; ++i) {
      codes.push_back(static_cast<std::uint32_t>(i * i + 3 * i) % (1U << bits));
    }
    for (std::size_t i = 0; i < rows * groups; ++i) {
      scales.push_back((static_cast<double>(i) - 2.5) / 64);
      biases.push_back(static_cast<double>(1 + i) / 32);
    }
  }
  std::vector<double> weights() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < rows * cols; ++i) {
      values.push_back(static_cast<double>(codes[i]) * scales[i / 32] + biases[i / 32]);
    }
    return values;
  }
  CheckpointBuilder builder() const {
    CheckpointBuilder builder;
    builder.add("a.weight", "U32", {rows, std::int64_t(cols * bits / 32)}, packed(codes, bits));
    builder.add("a.scales", "BF16", {rows, groups}, in_bf16(scales));
    return builder.add("a.biases", "BF16", {rows, groups}, in_bf16(biases));
  }
};

std::string config_of(std::size_t bits, int group_size = 32) {
  return fmt::format(R"({{"quantization": {{"group_size": {}, "bits": {}, "mode": "affine"}}}})", group_size,
                     bits);
}

class MlxBits : public testing::TestWithParam<std::size_t> {};

TEST_P(MlxBits, AreUnpackedAlongTheRowsScaledAndShifted) {
  const Affine affine(GetParam());
  const QuantizedLayer layer(affine.builder(), config_of(GetParam()));
  EXPECT_EQ(layer.values(), affine.weights());
  for (const Block& block : {Block{1, 2, 30, 5}, Block{0, 3, 63, 1}, Block{2, 1, 8, 40}}) {
    EXPECT_EQ(layer.values(block), block_of(affine.weights(), cols, block));
  }
}

INSTANTIATE_TEST_SUITE_P(All, MlxBits, testing::Values(2, 3, 4, 5, 6, 8), testing::PrintToStringParamName());

TEST(Mlx, AModuleMayHaveBitsOfItsOwn) {
  const Affine affine(8);
  const QuantizedLayer layer(affine.builder(), R"({"quantization": {"group_size": 64, "bits": 4,
    "a": {"group_size": 32, "bits": 8}, "b": false}})");
  EXPECT_EQ(layer.values(), affine.weights());
  EXPECT_EQ(std::get<MlxGroups>(layer.layer().layout).stored_as(), "int8 g32 affine");
  EXPECT_EQ(layer.layer().shape().stored_bytes, 3 * 64 + 3 * 2 * 2 * 2);
}

TEST(Mlx, TheSizeOfGroupsFollowsFromBitsAloneToo) {
  const Affine affine(8);
  const QuantizedLayer layer(affine.builder(),
                             R"({"quantization": {"group_size": 64, "bits": 4, "a": {"bits": 8}}})");
  EXPECT_EQ(layer.values(), affine.weights());
  EXPECT_EQ(layer.layer().stored_as(), "int8 g32 affine");
}

TEST(Mlx, BitsThatDoNotFitTheGroupsAreRefused) {
  const CheckpointBuilder builder = Affine(4).builder();
  EXPECT_EQ(QuantizedLayer(builder, config_of(8)).refusal(),
            "MLX: a.weight: groups of 128 bits are not 32 weights of 8 bits, as config.json says");
  EXPECT_EQ(QuantizedLayer(builder, config_of(7)).refusal(),
            "MLX: expected 2, 3, 4, 5, 6 or 8 bits in config.json, found 7");
  EXPECT_THAT(QuantizedLayer(builder, config_of(4, 0)).refusal(), HasSubstr("are not 0 weights of 4 bits"));
}

TEST(Mlx, MissingOrMisshapenTensorsAreNamed) {
  CheckpointBuilder without_biases, other_biases, without_scales;
  without_biases.add("a.weight", "U32", {3, 8}).add("a.scales", "BF16", {3, 2});
  EXPECT_EQ(QuantizedLayer(without_biases).refusal(), "MLX: a.scales: expected U8 [3, 2], found BF16 [3, 2]");
  other_biases.add("a.weight", "U32", {3, 8}).add("a.scales", "F32", {3, 2}).add("a.biases", "F32", {3, 1});
  EXPECT_EQ(QuantizedLayer(other_biases).refusal(), "MLX: a.biases: expected F32 [3, 2], found F32 [3, 1]");
  without_scales.add("a.weight", "U32", {3, 8});
  EXPECT_EQ(QuantizedLayer(without_scales).refusal(), "MLX: a.scales is missing");
}

TEST(Mlx, AScaleThatIsNoneIsRefused) {
  Affine affine(4);
  affine.scales[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(QuantizedLayer(affine.builder(), config_of(4)).refusal(), "tensor 'a.scales': value 1 is nan");
}

CheckpointBuilder of_floats(const std::vector<std::uint32_t>& words,
                            const std::vector<std::uint8_t>& scales) {
  CheckpointBuilder builder;
  builder.add("a.weight", "U32", {1, std::ssize(words)}, words);
  return builder.add("a.scales", "U8", {1, std::ssize(scales)}, scales);
}

TEST(Mlx, Mxfp4HasAPowerOfTwoForEvery32Codes) {
  const QuantizedLayer layer(of_floats({0x76543210, 0xFEDCBA98, 0, 0, 0x00000001, 0, 0, 0}, {128, 0}));
  EXPECT_THAT(layer.values({0, 1, 0, 16}),
              ElementsAre(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
  EXPECT_THAT(layer.values({0, 1, 32, 1}), ElementsAre(0x1p-128));
  EXPECT_EQ(layer.layer().stored_as(), "mxfp4 g32");
  EXPECT_EQ(QuantizedLayer(of_floats({0, 0, 0, 0}, {255})).refusal(),
            "a.scales: expected scales of at least 0, found nan at (0, 0)");
}

TEST(Mlx, Mxfp8HasE4m3Codes) {
  const QuantizedLayer layer(of_floats({0x7E388001, 0, 0, 0, 0, 0, 0, 0}, {126}));
  EXPECT_THAT(layer.values({0, 1, 0, 4}), ElementsAre(0x1p-10, 0, 0.5, 224));
}

TEST(Mlx, Nvfp4HasE4m3ScalesOf16Codes) {
  const QuantizedLayer layer(of_floats({0x00000007, 0, 0x0000000F, 0}, {0x38, 0x3C}));
  EXPECT_THAT(layer.values({0, 1, 0, 1}), ElementsAre(6));
  EXPECT_THAT(layer.values({0, 1, 16, 1}), ElementsAre(-9));
  EXPECT_EQ(QuantizedLayer(of_floats({0, 0}, {0x7F})).refusal(),
            "a.scales: expected scales of at least 0, found nan at (0, 0)");
  EXPECT_EQ(QuantizedLayer(of_floats({0, 0}, {0xB8})).refusal(),
            "a.scales: expected scales of at least 0, found -1 at (0, 0)");
}

TEST(Mlx, ExpertsOfASwitchAreLayersOfTheirOwn) {
  CheckpointBuilder builder;
  std::vector<std::uint32_t> words(2 * 2 * 4);
  words[8 + 4] = 2;  // expert 1, row 1
  builder.add("l.mlp.switch_mlp.up_proj.weight", "U32", {2, 2, 4}, words);
  builder.add("l.mlp.switch_mlp.up_proj.scales", "U8", {2, 2, 1},
              std::vector<std::uint8_t>{127, 127, 127, 130});
  const QuantizedLayer layer(builder);
  ASSERT_EQ(layer.count(), 2U);
  EXPECT_EQ(layer.layer(1).name, "l.mlp.experts.1.up_proj");
  EXPECT_THAT(layer.values({1, 1, 0, 1}, 1), ElementsAre(8));
  EXPECT_THAT(layer.values({1, 1, 0, 1}, 0), ElementsAre(0));
}

}  // namespace
}  // namespace alphahill
