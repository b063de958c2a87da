/// Which layers of a model an engine fuses, by names that real models have.
#include "alphahill/checkpoint/fused_partners.hpp"

#include "alphahill/base/bytes.hpp"
#include "architecture.hpp"

namespace alphahill {
namespace {

class FusedPartners : public Architecture {
 protected:
  /// A line "name: partner partner" for each layer that has any.
  std::string partners_of(const std::string& config = "{}") const {
    const TemporaryFolder folder;
    folder.write("config.json", config);
    builder_.write(folder.path());
    const std::vector<Layer> layers = open_catalog(folder.path(), "").layers;
    const auto partners = fused_partners(layers);
    std::string lines = "\n";
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (partners[i].empty()) continue;
      lines += layers[i].name + ":";
      for (const std::size_t partner : partners[i]) lines += " " + layers[partner].name;
      lines += "\n";
    }
    return lines;
  }
};

TEST_F(FusedPartners, OfLlamaAreQueryKeyAndValueAndGateAndUpOfABlock) {
  for (const std::string block : {"a.layers.0.", "a.layers.1."}) {
    add_all(block,
            {{"self_attn.q_proj", {16, 16}}, {"self_attn.k_proj", {8, 16}}, {"self_attn.v_proj", {8, 16}}});
    add_all(block, {{"self_attn.o_proj", {16, 16}}, {"mlp.gate_proj", {40, 16}}, {"mlp.up_proj", {40, 16}}});
    add(block + "mlp.down_proj", {16, 40});
  }
  EXPECT_EQ(partners_of(), R"(
a.layers.0.self_attn.q_proj: a.layers.0.self_attn.k_proj a.layers.0.self_attn.v_proj
a.layers.0.self_attn.k_proj: a.layers.0.self_attn.q_proj a.layers.0.self_attn.v_proj
a.layers.0.self_attn.v_proj: a.layers.0.self_attn.q_proj a.layers.0.self_attn.k_proj
a.layers.0.mlp.gate_proj: a.layers.0.mlp.up_proj
a.layers.0.mlp.up_proj: a.layers.0.mlp.gate_proj
a.layers.1.self_attn.q_proj: a.layers.1.self_attn.k_proj a.layers.1.self_attn.v_proj
a.layers.1.self_attn.k_proj: a.layers.1.self_attn.q_proj a.layers.1.self_attn.v_proj
a.layers.1.self_attn.v_proj: a.layers.1.self_attn.q_proj a.layers.1.self_attn.k_proj
a.layers.1.mlp.gate_proj: a.layers.1.mlp.up_proj
a.layers.1.mlp.up_proj: a.layers.1.mlp.gate_proj
)");
}

TEST_F(FusedPartners, OfMixtralAreGateAndUpOfOneExpert) {
  add("layers.0.block_sparse_moe.gate", {2, 16});
  for (const std::string expert : {"0.", "1."}) {
    add_all("layers.0.block_sparse_moe.experts." + expert,
            {{"w1", {40, 16}}, {"w2", {16, 40}}, {"w3", {40, 16}}});
  }
  EXPECT_EQ(partners_of(), R"(
layers.0.block_sparse_moe.experts.0.w1: layers.0.block_sparse_moe.experts.0.w3
layers.0.block_sparse_moe.experts.0.w3: layers.0.block_sparse_moe.experts.0.w1
layers.0.block_sparse_moe.experts.1.w1: layers.0.block_sparse_moe.experts.1.w3
layers.0.block_sparse_moe.experts.1.w3: layers.0.block_sparse_moe.experts.1.w1
)");
}

TEST_F(FusedPartners, OfExpertsInOneTensorAreThePartsOfEach) {
  builder_.add("layers.0.mlp.experts.gate_up_proj", "BF16", {2, 16, 80})
      .add("layers.0.mlp.experts.down_proj", "BF16", {2, 40, 16});
  EXPECT_EQ(partners_of(R"({"model_type": "llama4", "hidden_size": 16})"), R"(
layers.0.mlp.experts.0.gate_proj: layers.0.mlp.experts.0.up_proj
layers.0.mlp.experts.0.up_proj: layers.0.mlp.experts.0.gate_proj
layers.0.mlp.experts.1.gate_proj: layers.0.mlp.experts.1.up_proj
layers.0.mlp.experts.1.up_proj: layers.0.mlp.experts.1.gate_proj
)");
}

TEST_F(FusedPartners, OfBert) {
  add_all("encoder.layer.0.", {{"attention.self.query", {16, 16}},
                               {"attention.self.key", {16, 16}},
                               {"attention.self.value", {16, 16}},
                               {"attention.output.dense", {16, 16}},
                               {"intermediate.dense", {40, 16}}});
  EXPECT_EQ(partners_of(), R"(
encoder.layer.0.attention.self.query: encoder.layer.0.attention.self.key encoder.layer.0.attention.self.value
encoder.layer.0.attention.self.key: encoder.layer.0.attention.self.query encoder.layer.0.attention.self.value
encoder.layer.0.attention.self.value: encoder.layer.0.attention.self.query encoder.layer.0.attention.self.key
)");
}

TEST_F(FusedPartners, OfMlaAreTheProjectionsOfTheHiddenState) {
  add_all("layers.0.self_attn.", {{"q_a_proj", {8, 16}},
                                  {"kv_a_proj_with_mqa", {12, 16}},
                                  {"q_b_proj", {24, 8}},
                                  {"kv_b_proj", {32, 8}},
                                  {"o_proj", {16, 16}}});
  EXPECT_EQ(partners_of(), R"(
layers.0.self_attn.q_a_proj: layers.0.self_attn.kv_a_proj_with_mqa
layers.0.self_attn.kv_a_proj_with_mqa: layers.0.self_attn.q_a_proj
)");
}

TEST_F(FusedPartners, OfCrossAttentionAreKeyAndValue) {
  add_all("decoder.layers.0.encoder_attn.",
          {{"q_proj", {16, 16}}, {"k_proj", {16, 16}}, {"v_proj", {16, 16}}});
  EXPECT_EQ(partners_of(), R"(
decoder.layers.0.encoder_attn.k_proj: decoder.layers.0.encoder_attn.v_proj
decoder.layers.0.encoder_attn.v_proj: decoder.layers.0.encoder_attn.k_proj
)");
}

TEST_F(FusedPartners, ThereAreNoneOfWhatIsStoredFusedNorOfOtherNamesInputsOrFormsOfStorage) {
  add_all("h.0.", {{"attn.c_attn", {16, 48}}, {"attn.c_proj", {16, 16}}, {"mlp.c_fc", {16, 64}}});
  add_all("layers.0.",
          {{"self_attn.q_proj", {16, 16}}, {"self_attn.k_proj", {16, 24}}, {"mlp.up_proj", {40, 16}}});
  add_all("layers.1.mlp.", {{"gate_proj", {40, 16}}, {"fc1", {40, 16}}});
  add("layers.2.mlp.gate_proj", {40, 16});
  builder_.add("layers.2.mlp.up_proj.qweight", "I32", {2, 40});
  EXPECT_EQ(partners_of(), "\n");
}

/// The partner's file is the second one, and stays when its layer goes.
TEST_F(FusedPartners, StayWithALayerWhereTheyAreNotLayersOfTheCatalog) {
  add("layers.0.mlp.gate_proj", {40, 16});
  add("layers.0.mlp.up_proj", {24, 16});
  const TemporaryFolder folder;
  folder.write("config.json", "{}");
  builder_.write_shards(folder.path(), 2);
  Catalog catalog = open_catalog(folder.path(), "");
  keep_fused_partners(catalog);
  const Catalog cut = from_bytes<Catalog>(to_bytes(with_layers(catalog, {true, false})), "catalog");
  ASSERT_EQ(cut.layers.size(), 1U);
  ASSERT_EQ(cut.layers[0].fused_with.size(), 1U);
  EXPECT_EQ(cut.layers[0].fused_with[0].name, "layers.0.mlp.up_proj");
  EXPECT_EQ(cut.layers[0].fused_with[0].numel(), 24 * 16);
  EXPECT_EQ(cut.files.size(), 2U);
}

}  // namespace
}  // namespace alphahill
