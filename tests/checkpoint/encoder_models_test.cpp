/// What a person expects of models with an encoder: every layer, in order, with category and shape.
#include "architecture.hpp"

namespace alphahill {
namespace {

using EncoderModels = Architecture;

TEST_F(EncoderModels, Bert) {
  add_all("embeddings.", {{"word_embeddings", {90, 16}},
                          {"position_embeddings", {32, 16}},
                          {"token_type_embeddings", {2, 16}},
                          {"LayerNorm", {16}}});
  add_all("encoder.layer.0.", {{"attention.output.LayerNorm", {16}},
                               {"attention.output.dense", {16, 16}},
                               {"attention.self.key", {16, 16}},
                               {"attention.self.query", {16, 16}},
                               {"attention.self.value", {16, 16}},
                               {"intermediate.dense", {64, 16}},
                               {"output.dense", {16, 64}}});
  add("pooler.dense", {16, 16});
  EXPECT_EQ(layers_of(R"({"architectures": ["BertModel"], "model_type": "bert"})"),
            R"(
encoder.layer.0.attention.self.query attn_q 16x16
encoder.layer.0.attention.self.key attn_k 16x16
encoder.layer.0.attention.self.value attn_v 16x16
encoder.layer.0.attention.output.dense attn_o 16x16
encoder.layer.0.intermediate.dense mlp_up 64x16
encoder.layer.0.output.dense mlp_down 16x64
pooler.dense other_linear 16x16
)");
}

TEST_F(EncoderModels, BertWithAStoredHead) {
  add("bert.embeddings.word_embeddings", {90, 16});
  add_all("cls.", {{"predictions.decoder", {90, 16}},
                   {"predictions.transform.dense", {16, 16}},
                   {"seq_relationship", {2, 16}}});
  add("bert.pooler.dense", {16, 16});
  EXPECT_EQ(layers_of(R"({"architectures": ["BertForPreTraining"], "model_type": "bert"})"),
            R"(
bert.pooler.dense other_linear 16x16
cls.predictions.transform.dense other_linear 16x16
cls.seq_relationship other_linear 2x16
cls.predictions.decoder other_linear 90x16
)");
}

TEST_F(EncoderModels, T5WithItsEncoderBeforeItsDecoder) {
  add("shared", {90, 16});
  add("encoder.block.0.layer.0.SelfAttention.relative_attention_bias", {32, 4});
  for (const std::string layer :
       {"decoder.block.0.layer.0.SelfAttention", "decoder.block.0.layer.1.EncDecAttention",
        "encoder.block.0.layer.0.SelfAttention"}) {
    add_all(layer + ".", {{"k", {16, 16}}, {"o", {16, 16}}, {"q", {16, 16}}, {"v", {16, 16}}});
  }
  add_all("encoder.block.0.layer.1.DenseReluDense.",
          {{"wi_0", {40, 16}}, {"wi_1", {40, 16}}, {"wo", {16, 40}}});
  add_all("decoder.block.0.layer.2.DenseReluDense.", {{"wi", {40, 16}}, {"wo", {16, 40}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["T5ForConditionalGeneration"], "model_type": "t5"})"),
            R"(
encoder.block.0.layer.0.SelfAttention.q attn_q 16x16
encoder.block.0.layer.0.SelfAttention.k attn_k 16x16
encoder.block.0.layer.0.SelfAttention.v attn_v 16x16
encoder.block.0.layer.0.SelfAttention.o attn_o 16x16
encoder.block.0.layer.1.DenseReluDense.wi_0 mlp_gate 40x16
encoder.block.0.layer.1.DenseReluDense.wi_1 mlp_up 40x16
encoder.block.0.layer.1.DenseReluDense.wo mlp_down 16x40
decoder.block.0.layer.0.SelfAttention.q attn_q 16x16
decoder.block.0.layer.0.SelfAttention.k attn_k 16x16
decoder.block.0.layer.0.SelfAttention.v attn_v 16x16
decoder.block.0.layer.0.SelfAttention.o attn_o 16x16
decoder.block.0.layer.1.EncDecAttention.q attn_q 16x16
decoder.block.0.layer.1.EncDecAttention.k attn_k 16x16
decoder.block.0.layer.1.EncDecAttention.v attn_v 16x16
decoder.block.0.layer.1.EncDecAttention.o attn_o 16x16
decoder.block.0.layer.2.DenseReluDense.wi mlp_up 40x16
decoder.block.0.layer.2.DenseReluDense.wo mlp_down 16x40
lm_head other_linear 90x16
)");
}

TEST_F(EncoderModels, BartAppliesItsCrossAttentionAfterItsSelfAttention) {
  for (const std::string attention : {"encoder_attn", "self_attn"}) {
    add_all("model.decoder.layers.0." + attention + ".", {{"out_proj", {16, 16}}, {"q_proj", {16, 16}}});
  }
  add("model.decoder.layers.0.fc1", {64, 16});
  add("model.encoder.layers.0.fc1", {64, 16});
  EXPECT_EQ(layers_of(R"({"architectures": ["BartModel"], "model_type": "bart"})"),
            R"(
model.encoder.layers.0.fc1 mlp_up 64x16
model.decoder.layers.0.self_attn.q_proj attn_q 16x16
model.decoder.layers.0.self_attn.out_proj attn_o 16x16
model.decoder.layers.0.encoder_attn.q_proj attn_q 16x16
model.decoder.layers.0.encoder_attn.out_proj attn_o 16x16
model.decoder.layers.0.fc1 mlp_up 64x16
)");
}

TEST_F(EncoderModels, AModelThatReadsImagesAppliesItsVisionTowerFirst) {
  add("language_model.model.embed_tokens", {90, 16});
  add_all("language_model.model.layers.0.", {{"mlp.up_proj", {40, 16}}, {"self_attn.q_proj", {16, 16}}});
  add("multi_modal_projector.linear_1", {16, 8});
  add_all("vision_tower.vision_model.", {{"embeddings.patch_embedding", {8, 3, 4, 4}},
                                         {"embeddings.position_embedding", {9, 8}},
                                         {"encoder.layers.0.mlp.fc1", {32, 8}}});
  EXPECT_EQ(
      layers_of(
          R"({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}})"),
      R"(
vision_tower.vision_model.encoder.layers.0.mlp.fc1 mlp_up 32x8
language_model.model.layers.0.self_attn.q_proj attn_q 16x16
language_model.model.layers.0.mlp.up_proj mlp_up 40x16
multi_modal_projector.linear_1 other_linear 16x8
lm_head other_linear 90x16
)");
}

TEST_F(EncoderModels, MultiheadAttentionWithItsFusedProjection) {
  builder_.add("vision_model.head.attention.in_proj_weight", "F32", {48, 16});
  builder_.add("vision_model.head.attention.in_proj_bias", "F32", {48});
  add("vision_model.head.attention.out_proj", {16, 16});
  builder_.add("mixer.in_proj_weight", "F32", {50, 16});
  EXPECT_EQ(layers_of(R"({"model_type": "siglip_vision_model"})"), R"(
vision_model.head.attention.in_proj attn_qkv 48x16
vision_model.head.attention.out_proj attn_o 16x16
)");
}

}  // namespace
}  // namespace alphahill
