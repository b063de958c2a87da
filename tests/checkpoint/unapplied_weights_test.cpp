/// Weights that the model does not apply as they are stored: refused or warned of, never read in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class UnappliedWeights : public testing::Test {
 protected:
  UnappliedWeights() { folder_.write("config.json", "{}"); }
  std::string refusal() {
    builder_.write(folder_.path());
    const auto error = thrown_by([&] { open_catalog(folder_.path(), ""); });
    return error ? error->what() : "nothing was thrown";
  }
  std::vector<std::string> names(bool allow_unmerged = false) {
    builder_.write(folder_.path());
    const Catalog catalog = open_catalog(folder_.path(), "", false, allow_unmerged);
    std::vector<std::string> found;
    for (const Layer& layer : catalog.layers) found.push_back(layer.name);
    return found;
  }

  const CapturedLog log_;
  TemporaryFolder folder_;
  CheckpointBuilder builder_;
};

TEST_F(UnappliedWeights, EmptyPlaceholdersOfLayersAreRefused) {
  builder_.add("a.k_proj.weight", "BF16", {0})
      .add("a.q_proj.weight", "BF16", {0})
      .add("norm.weight", "BF16", {0});
  builder_.add("lm_head.weight", "BF16", {4, 4});
  EXPECT_THAT(
      refusal(),
      EndsWith(
          ": the weights of 2 layers are empty, those of 'a.k_proj.weight' first: placeholders [0], as a "
          "save under DeepSpeed's ZeRO-3 leaves them; its zero_to_fp32.py writes the weights"));
}

TEST_F(UnappliedWeights, EmptyPlaceholdersOfWeightsUnderOtherNamesAreRefused) {
  for (const std::string name : {"l.mlp.experts.gate_up_proj", "l.attn.in_proj_weight", "l.q_proj.qweight"}) {
    builder_ = CheckpointBuilder();
    builder_.add(name, "BF16", {0}).add("lm_head.weight", "BF16", {4, 4});
    EXPECT_THAT(refusal(), HasSubstr("the weights of 1 layer are empty, those of '" + name + "' first"));
  }
}

TEST_F(UnappliedWeights, EmptyPlaceholdersOfNormsAloneAreWarnedOf) {
  builder_.add("norm.weight", "BF16", {0}).add("lm_head.weight", "BF16", {4, 4});
  EXPECT_THAT(names(), ElementsAre("lm_head"));
  EXPECT_THAT(log_.text(), HasSubstr("1 tensor empty, 'norm.weight' first: placeholders [0]"));
}

TEST_F(UnappliedWeights, AnAdapterThatIsNotMergedIsRefusedWithWordsOnHowToMergeIt) {
  builder_.add("q_proj.base_layer.weight", "BF16", {4, 4});
  builder_.add("q_proj.lora_A.default.weight", "BF16", {1, 4})
      .add("q_proj.lora_B.default.weight", "BF16", {4, 1});
  EXPECT_THAT(refusal(),
              EndsWith(": 3 tensors of an adapter that is not merged into the weights, "
                       "'q_proj.base_layer.weight' first; merge it with peft "
                       "(model.merge_and_unload().save_pretrained(FOLDER)), or analyse the weights without "
                       "it by --allow-unmerged"));
}

TEST_F(UnappliedWeights, EachSignOfAnAdapterSuffices) {
  for (const std::string part : {"base_layer", "lora_A.default", "lora_B", "modules_to_save.default"}) {
    builder_ = CheckpointBuilder();
    builder_.add("q_proj." + part + ".weight", "BF16", {4, 4});
    EXPECT_THAT(refusal(), HasSubstr("1 tensor of an adapter")) << part;
  }
}

TEST_F(UnappliedWeights, WhereThatIsAllowedTheWeightsUnderAnAdapterAreTheLayers) {
  builder_.add("q_proj.base_layer.weight", "BF16", {4, 4});
  builder_.add("q_proj.lora_A.default.weight", "BF16", {1, 4})
      .add("q_proj.lora_B.default.weight", "BF16", {4, 1});
  EXPECT_THAT(names(true), ElementsAre("q_proj.base_layer"));
  EXPECT_THAT(log_.text(), HasSubstr("warning: " + folder_.path().string() + ": 3 tensors of an adapter"));
}

/// A block of Llama with 8 heads of 4 and 64 features in the MLP, of which each rank of `ranks` has a part.
void add_block(CheckpointBuilder& builder, std::int64_t ranks) {
  const std::int64_t heads = 32 / ranks, inner = 64 / ranks;
  const std::string block = "model.layers.0.";
  for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}) {
    builder.add(block + name + ".weight", "BF16", {heads, 32});
  }
  builder.add(block + "self_attn.o_proj.weight", "BF16", {32, heads});
  builder.add(block + "mlp.gate_proj.weight", "BF16", {inner, 32})
      .add(block + "mlp.up_proj.weight", "BF16", {inner, 32});
  builder.add(block + "mlp.down_proj.weight", "BF16", {32, inner});
}

constexpr auto llama = R"({"model_type": "llama", "hidden_size": 32, "intermediate_size": 64,
                           "num_attention_heads": 8})";

TEST_F(UnappliedWeights, ASliceOfATensorParallelModelIsRefused) {
  folder_.write("config.json", llama);
  add_block(builder_, 2);
  EXPECT_THAT(
      refusal(),
      EndsWith(": one of 2 slices of a tensor-parallel model, matrices with 1/2 of the rows or columns that "
               "config.json says: merge the slices first"));
}

TEST_F(UnappliedWeights, WhatMayBeASliceIsWarnedOf) {
  folder_.write("config.json", R"({"hidden_size": 32, "intermediate_size": 64})");
  add_block(builder_, 4);
  EXPECT_EQ(names().size(), 7U);
  EXPECT_THAT(log_.text(),
              HasSubstr("this may be one slice of a tensor-parallel model, by matrices with 1/4 of the "
                        "rows or columns that config.json says"));
}

TEST_F(UnappliedWeights, SidesOfCodesThatAreNotReadTellNothing) {
  folder_.write("config.json", llama);
  const std::string block = "model.layers.0.";
  builder_.add(block + "self_attn.o_proj.weight_packed", "I32", {32, 4});
  builder_.add(block + "mlp.down_proj.weight_packed", "I32", {32, 8});
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(UnappliedWeights, AWholeModelIsNoSliceWhateverItsFileIsCalled) {
  folder_.write("config.json", llama);
  add_block(builder_, 1);
  builder_.write(folder_.path());
  const auto file = folder_.path() / "consolidated.00.safetensors";
  std::filesystem::rename(folder_.path() / "model.safetensors", file);
  EXPECT_EQ(open_catalog(file, "").layers.size(), 7U);
  EXPECT_EQ(log_.text(), "");
}

TEST_F(UnappliedWeights, AFileOfOneRankIsWarnedOfWhereShapesDoNotTell) {
  add_block(builder_, 2);
  for (const std::string name :
       {"consolidated.00.safetensors", "mp_rank_00_model_states.safetensors",
        "model-rank-0-part-0.safetensors", "model0-mp8.safetensors", "w_tp_1.safetensors"}) {
    builder_.write(folder_.path());
    std::filesystem::rename(folder_.path() / "model.safetensors", folder_.path() / name);
    open_catalog(folder_.path() / name, "");
    EXPECT_THAT(log_.text(),
                HasSubstr("this may be one slice of a tensor-parallel model, by the name '" + name + "'"));
    std::filesystem::remove(folder_.path() / name);
  }
  EXPECT_EQ(names().size(), 7U);
  EXPECT_THAT(log_.text(), testing::Not(HasSubstr("'model.safetensors'")));
}

}  // namespace
}  // namespace alphahill
