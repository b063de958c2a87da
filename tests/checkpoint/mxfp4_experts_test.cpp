/// Experts in gpt-oss's MXFP4: codes of 4 bits with a power of two for every 32.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "alphahill/checkpoint/layer_weights.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t experts = 2, hidden = 64, inner = 32;
constexpr std::array<float, 16> values_of_codes{0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                                                -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};
const std::string gate_up = "layers.0.mlp.experts.gate_up_proj", down = "layers.0.mlp.experts.down_proj";

/// Codes [rows, cols / 2] and scales [rows, cols / 32] of all experts, and the weights that they are.
struct Stored {
  Stored(std::size_t all_rows, std::size_t all_cols)
      : rows(all_rows), cols(all_cols), codes(rows * cols / 2), scales(rows * cols / 32) {
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
    for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<std::uint8_t>(i * 5 % 255);
  }
  float weight(std::size_t row, std::size_t col) const {
    const std::size_t i = row * cols + col;
    const std::uint8_t code = i % 2 == 0 ? codes[i / 2] & 15 : codes[i / 2] >> 4;
    return static_cast<float>(std::ldexp(values_of_codes[code], scales[i / 32] - 127));
  }

  std::size_t rows, cols;
  std::vector<std::uint8_t> codes;
  std::vector<std::uint8_t> scales;
};

class Mxfp4 : public testing::Test {
 protected:
  Mxfp4() { folder_.write("config.json", R"({"model_type": "gpt_oss", "hidden_size": 64})"); }

  void write(std::size_t shards = 1) {
    CheckpointBuilder builder;
    builder.add(gate_up + "_blocks", "U8", {experts, 2 * inner, hidden / 32, 16}, gate_up_.codes);
    builder.add(down + "_blocks", "U8", {experts, hidden, inner / 32, 16}, down_.codes);
    builder.add(gate_up + "_scales", "U8", {experts, 2 * inner, hidden / 32}, gate_up_.scales);
    builder.add(down + "_scales", "U8", {experts, hidden, inner / 32}, down_.scales);
    if (shards == 1) {
      builder.write(folder_.path());
    } else {
      builder.write_shards(folder_.path(), shards);
    }
    catalog_ = open_catalog(folder_.path(), "");
  }
  const Layer& layer(const std::string& name) const {
    return *std::ranges::find(catalog_.layers, name, &Layer::name);
  }
  std::vector<float> read(const std::string& name, const Block& block) const {
    std::vector<double> values(static_cast<std::size_t>(block.rows * block.cols));
    read_decoded(LayerWeights(catalog_, layer(name)).source(), block, values);
    return {values.begin(), values.end()};
  }
  void expect_weights(const std::string& name, const Stored& stored, std::size_t first_row,
                      std::size_t stride, const Block& block) const {
    const std::vector<float> values = read(name, block);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto cols = static_cast<std::size_t>(block.cols);
      const std::size_t row = static_cast<std::size_t>(block.row) + i / cols;
      const float weight =
          stored.weight(first_row + row * stride, static_cast<std::size_t>(block.col) + i % cols);
      ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(weight))
          << name << " value " << i;
    }
  }
  void expect_all_experts() const {
    for (std::size_t expert = 0; expert < experts; ++expert) {
      const std::string prefix = fmt::format("layers.0.mlp.experts.{}.", expert);
      const std::size_t first = expert * 2 * inner;
      expect_weights(prefix + "gate_proj", gate_up_, first, 2, {0, inner, 0, hidden});
      expect_weights(prefix + "up_proj", gate_up_, first + 1, 2, {0, inner, 0, hidden});
      expect_weights(prefix + "down_proj", down_, expert * hidden, 1, {0, hidden, 0, inner});
    }
  }

  TemporaryFolder folder_;
  Stored gate_up_{experts * 2 * inner, hidden};
  Stored down_{experts * hidden, inner};
  Catalog catalog_;
};

/// All codes, with scales from 2^-127, which makes subnormal numbers, to 2^127, beyond which 6 is infinite.
TEST_F(Mxfp4, EveryWeightIsItsCodeTimesItsScale) {
  gate_up_.scales[2] = 254;
  write();
  EXPECT_EQ(catalog_.layers.size(), 6U);
  expect_all_experts();
}

TEST_F(Mxfp4, ABlockMayBeginAndEndInsideAGroup) {
  write();
  for (const Block block :
       {Block{3, 7, 5, 40}, Block{0, 1, 33, 1}, Block{31, 1, 31, 2}, Block{0, 32, 32, 32}}) {
    expect_weights("layers.0.mlp.experts.1.up_proj", gate_up_, 2 * inner + 1, 2, block);
  }
  EXPECT_TRUE(read("layers.0.mlp.experts.0.down_proj", {0, 0, 0, 32}).empty());
}

TEST_F(Mxfp4, ABlockOutsideTheLayerOrOfAnotherSizeIsRefused) {
  write();
  EXPECT_THROW(read("layers.0.mlp.experts.0.up_proj", {0, 33, 0, 64}), Error);
  EXPECT_THROW(read("layers.0.mlp.experts.0.up_proj", {0, 1, 1, 64}), Error);
  std::vector<std::byte> bytes(4);
  const LayerWeights weights(catalog_, layer("layers.0.mlp.experts.0.up_proj"));
  EXPECT_THROW(weights.source().read({0, 1, 0, 2}, bytes), Error);
}

TEST_F(Mxfp4, CodesAndScalesMayLieInSeveralShards) {
  write(4);
  expect_all_experts();
}

TEST_F(Mxfp4, ShapeAndBytesCountTheScales) {
  write();
  const WeightShape shape = layer("layers.0.mlp.experts.0.gate_proj").shape();
  EXPECT_EQ(shape.rows, static_cast<std::int64_t>(inner));
  EXPECT_EQ(shape.cols, static_cast<std::int64_t>(hidden));
  EXPECT_EQ(shape.values, ElementFormat::fp32);
  EXPECT_EQ(layer("layers.0.mlp.experts.0.gate_proj").stored_dtype, "MXFP4");
  EXPECT_EQ(shape.stored_bytes, inner * hidden / 2 + inner * hidden / 32);
}

TEST_F(Mxfp4, AScaleThatIsNaNIsRefusedForTheLayersThatHaveIt) {
  gate_up_.scales[3 * (hidden / 32) + 1] = 255;
  write();
  const auto error = thrown_by([&] { LayerWeights(catalog_, layer("layers.0.mlp.experts.0.up_proj")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::internal) << "the run goes on";
  EXPECT_THAT(error->what(),
              HasSubstr("gate_up_proj_scales: expected scales of at least 0, found nan at (1, 1)"));
  EXPECT_FALSE(thrown_by([&] { LayerWeights(catalog_, layer("layers.0.mlp.experts.0.gate_proj")); }));
  EXPECT_FALSE(thrown_by([&] { LayerWeights(catalog_, layer("layers.0.mlp.experts.1.up_proj")); }));
}

/// The reasons of the layers that blocks and scales of these types and shapes make.
class RefusedMxfp4 : public testing::Test {
 protected:
  std::vector<std::string> reasons(
      const std::string& config = R"({"model_type": "gpt_oss", "hidden_size": 64})") {
    folder_.write("config.json", config);
    builder_.write(folder_.path());
    std::vector<std::string> reasons;
    for (const Layer& layer : open_catalog(folder_.path(), "").layers) {
      reasons.push_back(layer.name + ": " + (layer.unsupported() == nullptr ? "" : *layer.unsupported()));
    }
    return reasons;
  }

  TemporaryFolder folder_;
  CheckpointBuilder builder_;
};

TEST_F(RefusedMxfp4, BlocksWithoutScales) {
  builder_.add(down + "_blocks", "U8", {2, 64, 1, 16});
  EXPECT_THAT(reasons(),
              ElementsAre("layers.0.mlp.experts.down_proj: MXFP4 experts in one tensor, U8 [2, 64, 1, "
                          "16]: layers.0.mlp.experts.down_proj_scales is missing"));
}

TEST_F(RefusedMxfp4, ScalesOfAnotherShapeOrType) {
  builder_.add(down + "_blocks", "U8", {2, 64, 1, 16});
  builder_.add(down + "_scales", "U8", {2, 64, 2});
  builder_.add(gate_up + "_blocks", "U8", {2, 64, 2, 16});
  builder_.add(gate_up + "_scales", "F32", {2, 64, 2});
  EXPECT_THAT(
      reasons(),
      ElementsAre("layers.0.mlp.experts.gate_up_proj: MXFP4 experts in one tensor, U8 [2, 64, 2, 16]: "
                  "layers.0.mlp.experts.gate_up_proj_scales: expected U8 [2, 64, 2], found F32 [2, 64, 2]",
                  "layers.0.mlp.experts.down_proj: MXFP4 experts in one tensor, U8 [2, 64, 1, 16]: "
                  "layers.0.mlp.experts.down_proj_scales: expected U8 [2, 64, 1], found U8 [2, 64, 2]"));
}

TEST_F(RefusedMxfp4, BlocksOfAnotherSizeOrType) {
  builder_.add(down + "_blocks", "U8", {2, 64, 1, 8});
  builder_.add(gate_up + "_blocks", "I32", {2, 64, 2, 16});
  EXPECT_THAT(reasons(),
              ElementsAre("layers.0.mlp.experts.gate_up_proj: MXFP4 experts in one tensor, I32 [2, 64, 2, "
                          "16]: expected U8 [experts, rows, groups, 16]",
                          "layers.0.mlp.experts.down_proj: MXFP4 experts in one tensor, U8 [2, 64, 1, 8]: "
                          "expected U8 [experts, rows, groups, 16]"));
}

/// Groups lie along in_features, so that rows must be out_features.
TEST_F(RefusedMxfp4, SidesThatDoNotFitHiddenSize) {
  builder_.add(down + "_blocks", "U8", {2, 32, 2, 16});
  builder_.add(down + "_scales", "U8", {2, 32, 2});
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("its sides do not fit hidden_size 64")));
}

TEST_F(RefusedMxfp4, AModelOfUnknownType) {
  builder_.add(down + "_blocks", "U8", {2, 64, 1, 16});
  builder_.add(down + "_scales", "U8", {2, 64, 1});
  EXPECT_THAT(reasons(R"({"model_type": "llama", "hidden_size": 64})"),
              ElementsAre(HasSubstr("no layout that is known of model_type 'llama'")));
}

}  // namespace
}  // namespace alphahill
