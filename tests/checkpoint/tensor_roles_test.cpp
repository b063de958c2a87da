/// What each tensor is taken for, and the closing line on those that are nothing known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/checkpoint/tensor_table.hpp"
#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

class TensorRoles : public testing::Test {
 protected:
  TensorRoles() { folder_.write("config.json", "{}"); }
  std::string table() const {
    builder_.write(folder_.path());
    return "\n" + tensor_table(folder_.path());
  }
  OtherTensors others() const {
    builder_.write(folder_.path());
    return open_catalog(folder_.path(), "").others;
  }

  TemporaryFolder folder_;
  CheckpointBuilder builder_;
};

TEST_F(TensorRoles, EveryTensorIsListed) {
  builder_.add("a.q_proj.weight", "F32", {4, 4}).add("a.q_proj.bias", "F32", {4});
  builder_.add("a.k_proj.weight", "F8_E4M3", {4, 4}).add("a.k_proj.weight_scale_inv", "F32", {1, 1});
  builder_.add("a.strange", "F32", {4, 2}).add("a.q_norm.weight", "F32", {2, 4}).add("ln.weight", "F32", {4});
  builder_.add("conv.weight", "F32", {4, 2, 3, 3}).add("conv1.weight", "F32", {4, 2, 3});
  builder_.add("stacked.weight", "F32", {4, 30, 30}).add("cls_token", "F32", {1, 1, 4});
  builder_.add("embed_tokens.weight", "F32", {9, 4})
      .add("position_ids", "I64", {1, 9})
      .add("inv_freq", "F32", {2});
  builder_.add("mtp.up_proj.weight", "F32", {4, 4}).add("a.up_proj.lora_A.weight", "F32", {1, 4});
  EXPECT_EQ(table(), R"(
tensor                     shape         dtype    taken for
a.k_proj.weight            [4, 4]        F8_E4M3  layer
a.k_proj.weight_scale_inv  [1, 1]        F32      part of a layer
a.q_norm.weight            [2, 4]        F32      norm
a.q_proj.bias              [4]           F32      bias
a.q_proj.weight            [4, 4]        F32      layer
a.strange                  [4, 2]        F32      not known
a.up_proj.lora_A.weight    [1, 4]        F32      adapter
cls_token                  [1, 1, 4]     F32      embedding
conv.weight                [4, 2, 3, 3]  F32      convolution
conv1.weight               [4, 2, 3]     F32      convolution
embed_tokens.weight        [9, 4]        F32      embedding
inv_freq                   [2]           F32      vector
ln.weight                  [4]           F32      norm
mtp.up_proj.weight         [4, 4]        F32      layer of multi-token prediction
position_ids               [1, 9]        I64      indices
stacked.weight             [4, 30, 30]   F32      not known
)");
}

/// Their numbers among all tensors are then higher than there are tensors with values.
TEST_F(TensorRoles, PartsOfALayerAreFoundBehindTensorsWithoutValues) {
  builder_.add("z.weight_scale", "F32", {1, 1}).add("z.weight", "F8_E4M3", {2, 2});
  builder_.add("a.bias", "F32", {0}).add("b.bias", "F32", {0}).add("c.bias", "F32", {0});
  EXPECT_THAT(table(), testing::HasSubstr("z.weight_scale  [1, 1]  F32      part of a layer"));
}

TEST_F(TensorRoles, AnEmbeddingWhoseMatrixTheHeadSharesIsBoth) {
  folder_.write("config.json", R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})");
  builder_.add("wpe.weight", "F32", {9, 2}).add("wte.weight", "F32", {9, 2});
  EXPECT_EQ(table(), R"(
tensor      shape   dtype  taken for
wpe.weight  [9, 2]  F32    embedding
wte.weight  [9, 2]  F32    embedding, and the head
)");
}

TEST_F(TensorRoles, TensorsOfExpertsAreLayers) {
  folder_.write("config.json", R"({"model_type": "gpt_oss", "hidden_size": 32})");
  builder_.add("l.experts.down_proj_blocks", "U8", {2, 32, 1, 16});
  builder_.add("l.experts.down_proj_bias", "BF16", {2, 32})
      .add("l.experts.down_proj_scales", "U8", {2, 32, 1});
  EXPECT_EQ(table(), R"(
tensor                      shape           dtype  taken for
l.experts.down_proj_bias    [2, 32]         BF16   bias
l.experts.down_proj_blocks  [2, 32, 1, 16]  U8     layer
l.experts.down_proj_scales  [2, 32, 1]      U8     part of a layer
)");
}

TEST_F(TensorRoles, WhatLiesBesideCodesThatAreNotReadIsPartOfTheLayer) {
  builder_.add("a.codes", "I16", {4, 1, 1})
      .add("a.codebooks", "F16", {1, 9, 1, 8})
      .add("a.b.c", "F32", {2, 2});
  EXPECT_EQ(table(), R"(
tensor       shape         dtype  taken for
a.b.c        [2, 2]        F32    not known
a.codebooks  [1, 9, 1, 8]  F16    part of a layer
a.codes      [4, 1, 1]     I16    layer
)");
}

TEST_F(TensorRoles, WhatIsNothingKnownIsCountedWithItsShareOfAllWeights) {
  builder_.add("a.weight", "F32", {5, 10}).add("norm.weight", "F32", {10});
  builder_.add("mystery", "F32", {4, 5}).add("b.mystery", "F32", {2, 2, 5});
  const OtherTensors found = others();
  EXPECT_EQ(found.count, 2);
  EXPECT_DOUBLE_EQ(found.share, 40.0 / 100);
  EXPECT_EQ(found.largest, "b.mystery [2, 2, 5]");
}

TEST_F(TensorRoles, CodesCountAsTheWeightsThatTheyStandFor) {
  builder_.add("a.weight_packed", "I32", {8, 1}).add("a.weight_scale", "BF16", {8, 1});
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{8, 8}).add("mystery", "F32", {6, 6});
  EXPECT_DOUBLE_EQ(others().share, 36.0 / (64 + 2 + 36));
}

TEST_F(TensorRoles, AConvolutionIsKnown) {
  builder_.add("a.weight", "F32", {4, 4}).add("stem.0.weight", "F32", {4, 3, 7, 7});
  builder_.add("pos_conv.weight", "F32", {4, 2, 128})
      .add("conv.parametrizations.weight.original1", "F32", {4, 2, 5});
  EXPECT_EQ(others().count, 0);
}

std::string closing_line(const OtherTensors& others) {
  const CapturedLog log;
  report_other_tensors(others);
  return log.text();
}

TEST_F(TensorRoles, TheClosingLineWarnsAboveOnePercent) {
  EXPECT_EQ(closing_line({0, 0, ""}), "");
  EXPECT_EQ(closing_line({1, 0.01, "m [2, 2]"}),
            "info: 1 tensor of two and more dimensions is neither layer, part of one, embedding, norm nor "
            "convolution, "
            "1% of all weights; the largest is m [2, 2]: --list-layers --all names them\n");
  EXPECT_EQ(
      closing_line({3, 0.034, "m [2, 2]"}),
      "warning: 3 tensors of two and more dimensions are neither layer, part of one, embedding, norm nor "
      "convolution, 3.4% of all weights; the largest is m [2, 2]: --list-layers --all names them\n");
}

}  // namespace
}  // namespace alphahill
