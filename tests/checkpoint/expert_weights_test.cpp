/// Weights of single experts in tensors that hold those of all, in each of their layouts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "alphahill/checkpoint/layer_weights.hpp"
#include "alphahill/formats/cast.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using Shape = std::vector<std::int64_t>;

constexpr int experts = 2, hidden = 3, inner = 2;
enum Projection { gate, up, down };

/// A weight that no other expert, projection or place has, and that bf16 holds exactly.
float weight(int expert, int projection, int out, int in) {
  return static_cast<float>(((expert * 3 + projection) * 3 + out) * 3 + in + 1);
}

std::uint16_t to_bf16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
}

/// Values of a tensor [experts, rows, cols], by a function of expert, row and column.
template <class Value>
std::vector<std::uint16_t> stored(int rows, int cols, Value value) {
  std::vector<std::uint16_t> values;
  for (int i = 0; i < experts * rows * cols; ++i) {
    values.push_back(to_bf16(value(i / cols / rows, i / cols % rows, i % cols)));
  }
  return values;
}

/// W [out, in] of an expert's projection, row by row.
std::vector<double> expected(int expert, Projection projection) {
  const int rows = projection == down ? hidden : inner, cols = projection == down ? inner : hidden;
  std::vector<double> values;
  for (int i = 0; i < rows * cols; ++i) values.push_back(weight(expert, projection, i / cols, i % cols));
  return values;
}

class ExpertWeights : public testing::Test {
 protected:
  /// [experts, 2 * inner, hidden], or [experts, hidden, 2 * inner].
  void add_gate_up(const std::string& name, bool alternating, bool transposed) {
    const auto value = [=](int expert, int out, int in) {
      return alternating ? weight(expert, out % 2, out / 2, in)
                         : weight(expert, out / inner, out % inner, in);
    };
    add(name, 2 * inner, hidden, transposed, value);
  }
  /// [experts, hidden, inner], or [experts, inner, hidden].
  void add_one(const std::string& name, Projection projection, bool transposed) {
    const int out = projection == down ? hidden : inner, in = projection == down ? inner : hidden;
    add(name, out, in, transposed,
        [=](int expert, int i, int j) { return weight(expert, projection, i, j); });
  }

  void open(const std::string& model_type) {
    folder_.write("config.json",
                  fmt::format(R"({{"model_type": "{}", "hidden_size": {}}})", model_type, hidden));
    builder_.write(folder_.path());
    catalog_ = open_catalog(folder_.path(), "");
  }

  /// W [out, in], row by row.
  std::vector<double> read(const std::string& name) const {
    const auto layer = std::ranges::find(catalog_.layers, name, &Layer::name);
    if (layer == catalog_.layers.end()) return {};
    const LayerWeights weights(catalog_, *layer);
    const WeightShape& shape = weights.source().shape();
    std::vector<std::byte> bytes(static_cast<std::size_t>(layer->numel() * 2));
    weights.source().read({0, shape.rows, 0, shape.cols}, bytes);
    std::vector<double> values(static_cast<std::size_t>(layer->numel()));
    decode(shape.values, bytes, values);
    return shape.transposed ? turned(values, shape) : values;
  }

  void expect_experts(const std::string& prefix) const {
    for (int expert = 0; expert < experts; ++expert) {
      const std::string stem = fmt::format("{}.{}.", prefix, expert);
      EXPECT_EQ(read(stem + "gate_proj"), expected(expert, gate)) << stem;
      EXPECT_EQ(read(stem + "up_proj"), expected(expert, up)) << stem;
      EXPECT_EQ(read(stem + "down_proj"), expected(expert, down)) << stem;
    }
    EXPECT_EQ(catalog_.layers.size(), 6U);
  }

  TemporaryFolder folder_;
  CheckpointBuilder builder_;
  Catalog catalog_;

 private:
  template <class Value>
  void add(const std::string& name, int out, int in, bool transposed, Value value) {
    if (transposed) {
      builder_.add(name, "BF16", {experts, in, out},
                   stored(in, out, [=](int expert, int i, int j) { return value(expert, j, i); }));
    } else {
      builder_.add(name, "BF16", {experts, out, in}, stored(out, in, value));
    }
  }
  static std::vector<double> turned(const std::vector<double>& values, const WeightShape& shape) {
    std::vector<double> transpose;
    for (std::int64_t col = 0; col < shape.cols; ++col) {
      for (std::int64_t row = 0; row < shape.rows; ++row) {
        transpose.push_back(values[static_cast<std::size_t>(row * shape.cols + col)]);
      }
    }
    return transpose;
  }
};

TEST_F(ExpertWeights, ColumnsOfGptOssAlternate) {
  add_gate_up("model.layers.0.mlp.experts.gate_up_proj", true, true);
  add_one("model.layers.0.mlp.experts.down_proj", down, true);
  open("gpt_oss");
  expect_experts("model.layers.0.mlp.experts");
}

TEST_F(ExpertWeights, ColumnsOfLlama4AreHalves) {
  add_gate_up("model.layers.0.feed_forward.experts.gate_up_proj", false, true);
  add_one("model.layers.0.feed_forward.experts.down_proj", down, true);
  open("llama4_text");
  expect_experts("model.layers.0.feed_forward.experts");
}

TEST_F(ExpertWeights, QwenIsReadByItsShapeInEitherAxisOrder) {
  for (const bool transposed : {false, true}) {
    builder_ = {};
    add_gate_up("layers.0.mlp.experts.gate_up_proj", false, transposed);
    add_one("layers.0.mlp.experts.down_proj", down, transposed);
    for (const char* model_type : {"qwen3_vl_moe", "qwen3_5_moe_text"}) {
      open(model_type);
      expect_experts("layers.0.mlp.experts");
    }
  }
}

TEST_F(ExpertWeights, RowsOfInklingAlternate) {
  add_gate_up("model.layers.0.mlp.experts.w13_weight", true, false);
  add_one("model.layers.0.mlp.experts.w2_weight", down, false);
  open("inkling");
  expect_experts("model.layers.0.mlp.experts");
}

TEST_F(ExpertWeights, RowsOfGraniteAreHalves) {
  add_gate_up("model.layers.0.block_sparse_moe.input_linear.weight", false, false);
  add_one("model.layers.0.block_sparse_moe.output_linear.weight", down, false);
  open("granitemoehybrid");
  expect_experts("model.layers.0.block_sparse_moe.experts");
}

TEST_F(ExpertWeights, TheFirstHalfOfAriaIsTheGate) {
  add_gate_up("model.layers.0.mlp.experts.fc1.weight", false, true);
  add_one("model.layers.0.mlp.experts.fc2.weight", down, true);
  open("aria_text");
  expect_experts("model.layers.0.mlp.experts");
}

TEST_F(ExpertWeights, StepHasATensorForEachProjection) {
  add_one("model.layers.0.moe.gate_proj.weight", gate, false);
  add_one("model.layers.0.moe.up_proj.weight", up, false);
  add_one("model.layers.0.moe.down_proj.weight", down, false);
  open("step3p7");
  expect_experts("model.layers.0.moe.experts");
}

TEST_F(ExpertWeights, DbrxHasTheMatricesOfAllExpertsAboveOneAnother) {
  const auto stack = [&](const std::string& name, Projection projection) {
    builder_.add("blocks.0.ffn.experts.mlp." + name, "BF16", {experts * inner, hidden},
                 stored(inner, hidden, [=](int expert, int i, int j) {
                   return projection == down ? weight(expert, down, j, i) : weight(expert, projection, i, j);
                 }));
  };
  stack("w1", gate);
  stack("v1", up);
  stack("w2", down);
  builder_.add("blocks.0.ffn.router.layer.weight", "I64", {experts, hidden});
  open("dbrx");
  std::erase_if(catalog_.layers, [](const Layer& layer) { return layer.unsupported() != nullptr; });
  expect_experts("blocks.0.ffn.experts.mlp.experts");
}

/// As gpt-oss-20b's, whose experts are as wide as its hidden state.
TEST_F(ExpertWeights, ASquareTensorLiesAsItsPartnerDoes) {
  const std::vector<float> down{1, 2, 3, 4};
  const auto read_down = [&](const Shape& gate_up) {
    builder_ = {};
    builder_.add("layers.0.mlp.experts.gate_up_proj", "F32", gate_up);
    builder_.add("layers.0.mlp.experts.down_proj", "F32", {1, 2, 2}, down);
    folder_.write("config.json", R"({"model_type": "qwen3_vl_moe", "hidden_size": 2})");
    builder_.write(folder_.path());
    catalog_ = open_catalog(folder_.path(), "down_proj");
    return catalog_.layers.at(0).shape().transposed;
  };
  EXPECT_TRUE(read_down({1, 2, 4}));
  EXPECT_FALSE(read_down({1, 4, 2}));
  EXPECT_TRUE(read_down({1, 2, 2})) << "the partner is square as well: as the family has it";
}

/// Columns that alternate with others cannot be read without these.
TEST_F(ExpertWeights, BytesToReadAreCounted) {
  add_gate_up("layers.0.mlp.experts.gate_up_proj", true, true);
  add_one("layers.0.mlp.experts.down_proj", down, true);
  open("gpt_oss");
  EXPECT_EQ(catalog_.layers.at(0).shape().stored_bytes, 2 * inner * hidden * 2);
  EXPECT_EQ(catalog_.layers.at(2).shape().stored_bytes, inner * hidden * 2);
}

}  // namespace
}  // namespace alphahill
