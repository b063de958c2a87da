#include "report/plots/layer_label.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphahill {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels_of(const std::vector<std::string>& names) {
  std::vector<ReportedLayer> layers(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    layers[i].number = static_cast<std::int64_t>(i) + 1;
    layers[i].layer.name = names[i];
  }
  std::vector<std::string> texts;
  for (const LayerLabel& label : layer_labels(layers)) texts.push_back(label.text);
  return texts;
}

TEST(LayerLabel, KeepsBlockAndRole) {
  EXPECT_THAT(labels_of({"model.layers.17.self_attn.q_proj", "model.layers.17.mlp.down_proj", "lm_head"}),
              ElementsAre("17 attn.q_proj", "17 mlp.down_proj", "lm_head"));
  EXPECT_THAT(labels_of({"transformer.h.3.attn.c_attn"}), ElementsAre("3 attn.c_attn"));
  EXPECT_THAT(labels_of({"encoder.layer.0.attention.output.dense"}), ElementsAre("0 attn.output.dense"));
}

TEST(LayerLabel, KeepsExpertNumbers) {
  EXPECT_THAT(
      labels_of({"model.layers.2.block_sparse_moe.experts.7.w1", "model.layers.2.block_sparse_moe.gate"}),
      ElementsAre("2 moe.experts.7.w1", "2 moe.gate"));
}

TEST(LayerLabel, TellsStacksApart) {
  EXPECT_THAT(labels_of({"model.vision.blocks.3.attn.qkv", "model.text.blocks.3.attn.qkv"}),
              ElementsAre("vision.blocks.3 attn.qkv", "text.blocks.3 attn.qkv"));
}

TEST(LayerLabel, OfEqualShortFormsCarryTheLayersNumber) {
  EXPECT_THAT(labels_of({"h.0.self_attn.q", "h.0.attention.q", "h.1.self_attn.q"}),
              ElementsAre("#1 0 attn.q", "#2 0 attn.q", "1 attn.q"));
}

TEST(LayerLabel, ThatLooksLikeANumberedOneIsNumberedToo) {
  EXPECT_THAT(labels_of({"a", "a", "#2 a"}), ElementsAre("#1 a", "#2 a", "#3 #2 a"));
}

TEST(LayerLabel, OfLongNamesLoseTheirMiddle) {
  const std::string filler(300, 'n');
  EXPECT_THAT(labels_of({"first_" + filler + "_last"}), ElementsAre("first_nnnnnnnnn…nnnnnnnnnnn_last"));
}

TEST(LayerLabel, LayersOfABlockShareItsName) {
  std::vector<ReportedLayer> layers(3);
  layers[0].layer.name = "model.layers.0.mlp.up_proj";
  layers[1].layer.name = "model.layers.0.mlp.down_proj";
  layers[2].layer.name = "model.layers.1.mlp.up_proj";
  const std::vector<LayerLabel> labels = layer_labels(layers);
  EXPECT_EQ(labels[0].block, "0");
  EXPECT_EQ(labels[1].block, "0");
  EXPECT_EQ(labels[2].block, "1");
}

}  // namespace
}  // namespace alphahill
