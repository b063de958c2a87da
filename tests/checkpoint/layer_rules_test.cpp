/// The rules by which tensors are Linear layers, each on a model that needs it. That all of them together hold
/// for the models of transformers, cli/oracle_test.py shows.
#include <gmock/gmock.h>

#include "alphahill/base/error.hpp"
#include "architecture.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LayerRules : public Architecture {
 protected:
  void add_vector(const std::string& name, std::int64_t values) { builder_.add(name, "BF16", {values}); }

  Catalog catalog_of(const std::string& config, const std::string& filter = "",
                     bool include_mtp = false) const {
    const TemporaryFolder folder;
    folder.write("config.json", config);
    builder_.write(folder.path());
    return open_catalog(folder.path(), filter, include_mtp);
  }

  std::vector<std::string> names(const std::string& config, bool include_mtp = false) const {
    std::vector<std::string> names;
    const Catalog catalog = catalog_of(config, "", include_mtp);
    for (const Layer& layer : catalog.layers) names.push_back(layer.name);
    return names;
  }
};

TEST_F(LayerRules, EmbeddingsAreKnownByTheWordsOfTheirNames) {
  for (const char* name :
       {"shape_embed", "mask_tokens", "iou_token", "quantizer.quantizers.0.codebook", "freq_emb",
        "token_type_embeddings_0", "position_embeds_layer", "visual_embeddings_table", "row_embedder",
        "HashBucketCodepointEmbedder_3", "embed_tokens_per_layer", "point_embed.0", "encoder.pe_k",
        "rel_attn_embed", "decoder.reference_points", "query_feat", "patch_position_embeddings"}) {
    add(name, {8, 4});
  }
  add("embedding_projection", {4, 4});
  add("embed_out", {4, 4});
  EXPECT_THAT(names("{}"), ElementsAre("embedding_projection", "embed_out"));
}

TEST_F(LayerRules, AModuleWithABiasIsNoEmbeddingWhateverItsName) {
  add("layout_embeddings.box_linear_embeddings", {8, 4});
  add_vector("layout_embeddings.box_linear_embeddings.bias", 8);
  add("layout_embeddings.box_position_embeddings", {8, 4});
  EXPECT_THAT(names("{}"), ElementsAre("layout_embeddings.box_linear_embeddings"));
}

TEST_F(LayerRules, PatchesAreProjected) {
  add("vision_tower.patch_embed", {8, 12});
  EXPECT_THAT(names("{}"), ElementsAre("vision_tower.patch_embed"));
}

TEST_F(LayerRules, ProjectionsWithoutABiasAreNoEmbeddings) {
  add("model.embed_proj", {8, 4});
  add("model.layers.0.mlp.shared", {4, 4});
  add("model.timestep_embedder", {4, 4});
  add("model.embed_timestep", {90, 4});
  add("model.shared", {90, 4});
  EXPECT_THAT(names("{}"),
              ElementsAre("model.layers.0.mlp.shared", "model.embed_proj", "model.timestep_embedder"));
}

TEST_F(LayerRules, NamesThatTellNothingAreKnownByTheModelsType) {
  add("transformer.w", {90, 4});
  add("transformer.h.0.fc", {4, 4});
  EXPECT_THAT(names(R"({"model_type": "ctrl"})"), ElementsAre("transformer.h.0.fc"));
  EXPECT_THAT(names(R"({"model_type": "other"})"), ElementsAre("transformer.h.0.fc", "transformer.w"));
}

TEST_F(LayerRules, GainsOfNormsOfEachHeadAreNoLayers) {
  add_all("layers.0.self_attn.", {{"q_norm", {4, 8}}, {"k_norm2", {4, 8}}, {"norm.linear", {4, 8}}});
  EXPECT_THAT(names("{}"), ElementsAre("layers.0.self_attn.norm.linear"));
}

TEST_F(LayerRules, AHeadBehindADenseLayerIsTied) {
  add("roberta.embeddings.word_embeddings", {90, 16});
  add("lm_head.dense", {16, 16});
  add_vector("lm_head.bias", 90);
  const std::string config = R"({"architectures": ["RobertaForMaskedLM"], "model_type": "roberta")";
  EXPECT_THAT(names(config + "}"), ElementsAre("lm_head", "lm_head.dense"));
  EXPECT_THAT(names(config + R"(, "tie_word_embeddings": false})"), ElementsAre("lm_head.dense"));
}

TEST_F(LayerRules, ABiasWithoutAWeightTellsOfAHeadThatTheClassDoesNotName) {
  add("bert.embeddings.word_embeddings", {90, 16});
  add("cls.predictions.transform.dense", {16, 16});
  const std::string config = R"({"architectures": ["BertForPreTraining"], "model_type": "bert"})";
  EXPECT_THAT(names(config), ElementsAre("cls.predictions.transform.dense"));
  add_vector("cls.predictions.bias", 90);
  EXPECT_THAT(names(config), ElementsAre("cls.predictions.transform.dense", "lm_head"));
}

TEST_F(LayerRules, MariansHeadIsKnownByItsBias) {
  add("model.shared", {90, 16});
  builder_.add("final_logits_bias", "F32", {1, 90});
  EXPECT_THAT(names(R"({"architectures": ["MarianMTModel"], "model_type": "marian"})"),
              ElementsAre("lm_head"));
}

TEST_F(LayerRules, OfTwoModelsPutTogetherTheDecoderSaysWhetherItsHeadIsTied) {
  add("decoder.transformer.wte", {90, 16});
  add("encoder.embeddings.word_embeddings", {70, 16});
  add("encoder.layer.0.output.dense", {16, 16});
  const std::string start = R"({"architectures": ["VisionEncoderDecoderModel"], "decoder": {)";
  const std::string end = R"("model_type": "gpt2"}, "model_type": "vision-encoder-decoder",
                             "tie_word_embeddings": false})";
  const Catalog catalog = catalog_of(start + end);
  EXPECT_EQ(catalog.layers.back().name, "lm_head");
  EXPECT_EQ(catalog.layers.back().out_features, 90);
  EXPECT_THAT(names(start + R"("tie_word_embeddings": false, )" + end),
              ElementsAre("encoder.layer.0.output.dense"));
}

TEST_F(LayerRules, NoHeadIsInventedWhereTheFileHasOneByAnotherName) {
  for (const auto& [head, rows] : std::vector<std::pair<std::string, std::int64_t>>{
           {"lm_heads.0", 89}, {"proj_out", 90}, {"language_model.lm_head", 88}, {"pred_layer.proj", 90}}) {
    builder_ = {};
    add("language_model.model.embed_tokens", {90, 16});
    add(head, {rows, 16});
    EXPECT_THAT(names(R"({"architectures": ["AForConditionalGeneration"], "tie_word_embeddings": true})"),
                ElementsAre(head));
  }
}

TEST_F(LayerRules, AHeadOfAModelInsideIsNotThatOfTheModel) {
  add("model.local_encoder.embed_tokens", {90, 16});
  add("model.patcher.embed_tokens", {90, 12});
  add("model.patcher.lm_head", {90, 12});
  const Catalog catalog = catalog_of(R"({"architectures": ["BltForCausalLM"], "tie_word_embeddings": true})");
  ASSERT_EQ(catalog.layers.size(), 2U);
  EXPECT_EQ(catalog.layers[0].name, "lm_head");
  EXPECT_EQ(catalog.layers[0].in_features, 16);
}

TEST_F(LayerRules, AnEncoderAtTheTopHasNoHead) {
  add("text_encoder.shared", {90, 16});
  add("decoder.lm_heads.0", {40, 16});
  add("decoder.model.decoder.embed_tokens.0", {41, 16});
  EXPECT_THAT(names(R"({"architectures": ["MusicgenForConditionalGeneration"]})"),
              ElementsAre("decoder.lm_heads.0"));
}

TEST_F(LayerRules, EachCodebookOfBarkSharesTheNextOnesEmbedding) {
  add("coarse_acoustics.lm_head", {90, 16});
  for (const char* i : {"0", "1", "2"}) {
    add(std::string("fine_acoustics.input_embeds_layers.") + i, {90, 16});
  }
  EXPECT_THAT(
      names(R"({"architectures": ["BarkModel"], "model_type": "bark"})"),
      ElementsAre("coarse_acoustics.lm_head", "fine_acoustics.lm_heads.0", "fine_acoustics.lm_heads.1"));
}

TEST_F(LayerRules, Gpt2InsideAnotherModelIsKnownByTheLengthOfItsBiases) {
  const std::string attention = "decoder.transformer.h.0.attn.";
  add_all(attention, {{"c_attn", {16, 48}}, {"c_proj", {16, 16}}});
  add_vector(attention + "c_attn.bias", 48);
  add_vector(attention + "c_proj.bias", 16);
  add("other.h.0.attn.c_attn", {48, 16});
  add_vector("other.h.0.attn.c_attn.bias", 48);
  std::vector<bool> transposed;
  const Catalog catalog = catalog_of("{}");
  for (const Layer& layer : catalog.layers) transposed.push_back(layer.shape().transposed);
  EXPECT_THAT(transposed, ElementsAre(true, true, false));
  EXPECT_EQ(catalog.layers[0].out_features, 48);
  EXPECT_EQ(catalog.layers[2].out_features, 48);
}

TEST_F(LayerRules, MultiTokenPredictionIsLeftOutHoweverItIsCalled) {
  add("model.layers.0.up_proj", {4, 4});
  for (const char* name : {"mtp.fc", "mtp.layers.0.up_proj", "model.mtp_layers.0.up_proj",
                           "model.mtp_block.0.up_proj", "model.mtp.layers.0.up_proj"}) {
    add(name, {4, 4});
  }
  CapturedLog log;
  EXPECT_THAT(names("{}"), ElementsAre("model.layers.0.up_proj"));
  EXPECT_THAT(log.text(), HasSubstr("left out: 5 layers of multi-token prediction"));
  EXPECT_THAT(names("{}", true),
              ElementsAre("model.layers.0.up_proj", "model.mtp.layers.0.up_proj", "model.mtp_block.0.up_proj",
                          "model.mtp_layers.0.up_proj", "mtp.layers.0.up_proj", "mtp.fc"));
}

TEST_F(LayerRules, ABlockThatJoinsTheNextTokenIsBehindTheLast) {
  add("model.layers.0.up_proj", {4, 4});
  add("model.layers.1.eh_proj", {4, 8});
  add("model.layers.1.up_proj", {4, 4});
  const std::string config = R"({"model_type": "another", "num_hidden_layers": 1})";
  EXPECT_THAT(names(config), ElementsAre("model.layers.0.up_proj"));
  EXPECT_THAT(names(config, true),
              ElementsAre("model.layers.0.up_proj", "model.layers.1.up_proj", "model.layers.1.eh_proj"));
}

TEST_F(LayerRules, ABlockBehindTheLastIsLeftOutWithAWarningWhereNothingTellsWhatItIs) {
  add("model.layers.0.up_proj", {4, 4});
  add("model.layers.1.up_proj", {4, 4});
  const std::string config = R"({"model_type": "llama", "num_hidden_layers": 1)";
  const CapturedLog log;
  EXPECT_THAT(names(config + R"(, "num_nextn_predict_layers": 1})"), ElementsAre("model.layers.0.up_proj"));
  EXPECT_THAT(log.text(), testing::Not(HasSubstr("behind the last")));
  EXPECT_THAT(names(config + "}"), ElementsAre("model.layers.0.up_proj"));
  EXPECT_THAT(log.text(),
              HasSubstr("warning: 1 layer behind the last of the 1 block that config.json counts, "
                        "model.layers.1.up_proj first, is taken for multi-token prediction\n"));
}

TEST_F(LayerRules, TheDecoderBehindAnEncoderMayHaveMoreBlocks) {
  add("model.encoder.layers.0.fc1", {4, 4});
  add("model.decoder.layers.0.fc1", {4, 4});
  add("model.decoder.layers.1.fc1", {4, 4});
  EXPECT_EQ(names(R"({"model_type": "blenderbot", "num_hidden_layers": 1})").size(), 3U);
}

TEST_F(LayerRules, ATowerKeepsAllOfItsBlocks) {
  for (const std::string block : {"0", "1", "2"}) {
    add("model.vision_model.transformer.layers." + block + ".fc1", {4, 4});
    add("model.layers." + block + ".up_proj", {4, 4});
  }
  EXPECT_THAT(names(R"({"model_type": "deepseek_vl_v2", "num_hidden_layers": 2,
                        "language_config": {"model_type": "deepseek_v2", "num_hidden_layers": 1}})"),
              ElementsAre("model.vision_model.transformer.layers.0.fc1",
                          "model.vision_model.transformer.layers.1.fc1",
                          "model.vision_model.transformer.layers.2.fc1", "model.layers.0.up_proj"));
}

TEST_F(LayerRules, TheHeadOfMultiTokenPredictionIsNotThatOfTheModel) {
  add("model.embed_tokens", {90, 16});
  add("mtp.lm_head", {90, 16});
  EXPECT_THAT(names(R"({"architectures": ["AForCausalLM"], "tie_word_embeddings": true})"),
              ElementsAre("lm_head"));
}

TEST_F(LayerRules, AFilterSeesNoLayerThatIsLeftOut) {
  add("model.layers.0.up_proj", {4, 4});
  add("mtp.fc", {4, 4});
  EXPECT_THROW(catalog_of("{}", "fc"), Error);
  EXPECT_EQ(catalog_of("{}", "fc", true).layers.size(), 1U);
}

}  // namespace
}  // namespace alphahill
