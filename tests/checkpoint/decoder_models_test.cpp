/// What a person expects of language models: every layer, in order, with category and shape.
#include "architecture.hpp"

namespace alphahill {
namespace {

using DecoderModels = Architecture;

TEST_F(DecoderModels, Llama) {
  add("lm_head", {90, 16});
  add("model.embed_tokens", {90, 16});
  add("model.norm", {16});
  for (const std::string block : {"10", "2"}) {
    add_all("model.layers." + block + ".", {{"input_layernorm", {16}},
                                            {"mlp.down_proj", {16, 40}},
                                            {"mlp.gate_proj", {40, 16}},
                                            {"mlp.up_proj", {40, 16}},
                                            {"self_attn.k_proj", {8, 16}},
                                            {"self_attn.o_proj", {16, 16}},
                                            {"self_attn.q_proj", {16, 16}},
                                            {"self_attn.v_proj", {8, 16}}});
  }
  builder_.add("model.layers.2.self_attn.rotary_emb.inv_freq", "F32", {4});
  EXPECT_EQ(layers_of(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})"),
            R"(
model.layers.2.self_attn.q_proj attn_q 16x16
model.layers.2.self_attn.k_proj attn_k 8x16
model.layers.2.self_attn.v_proj attn_v 8x16
model.layers.2.self_attn.o_proj attn_o 16x16
model.layers.2.mlp.gate_proj mlp_gate 40x16
model.layers.2.mlp.up_proj mlp_up 40x16
model.layers.2.mlp.down_proj mlp_down 16x40
model.layers.10.self_attn.q_proj attn_q 16x16
model.layers.10.self_attn.k_proj attn_k 8x16
model.layers.10.self_attn.v_proj attn_v 8x16
model.layers.10.self_attn.o_proj attn_o 16x16
model.layers.10.mlp.gate_proj mlp_gate 40x16
model.layers.10.mlp.up_proj mlp_up 40x16
model.layers.10.mlp.down_proj mlp_down 16x40
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, QwenWithATiedHead) {
  add("model.embed_tokens", {90, 16});
  add_all("model.layers.0.self_attn.", {{"q_proj", {16, 16}}, {"q_norm", {4}}});
  builder_.add("model.layers.0.self_attn.q_proj.bias", "BF16", {16});
  EXPECT_EQ(
      layers_of(
          R"({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "tie_word_embeddings": true})"),
      R"(
model.layers.0.self_attn.q_proj attn_q 16x16
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, Gpt2StoresItsMatricesTransposedAndTiesItsHead) {
  add("wte", {90, 16});
  add("wpe", {32, 16});
  add_all("h.0.", {{"attn.c_attn", {16, 48}},
                   {"attn.c_proj", {16, 16}},
                   {"mlp.c_fc", {16, 64}},
                   {"mlp.c_proj", {64, 16}},
                   {"ln_1", {16}}});
  builder_.add("h.0.attn.bias", "BF16", {1, 1, 32, 32});
  EXPECT_EQ(layers_of(R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})"),
            R"(
h.0.attn.c_attn attn_qkv 48x16
h.0.attn.c_proj attn_o 16x16
h.0.mlp.c_fc mlp_up 64x16
h.0.mlp.c_proj mlp_down 16x64
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, Gpt1) {
  add("tokens_embed", {90, 16});
  add("positions_embed", {32, 16});
  add_all("h.0.", {{"attn.c_attn", {16, 48}}, {"mlp.c_proj", {64, 16}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["OpenAIGPTLMHeadModel"], "model_type": "openai-gpt"})"),
            R"(
h.0.attn.c_attn attn_qkv 48x16
h.0.mlp.c_proj mlp_down 16x64
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, GptBigCodeHasTheSameNamesButStoresLinearLayers) {
  add("transformer.wte", {90, 16});
  add("transformer.h.0.attn.c_attn", {24, 16});
  EXPECT_EQ(layers_of(R"({"architectures": ["GPTBigCodeForCausalLM"], "model_type": "gpt_bigcode"})"),
            R"(
transformer.h.0.attn.c_attn attn_qkv 24x16
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, PhiWithFusedProjections) {
  add_all("model.layers.0.", {{"mlp.down_proj", {16, 40}},
                              {"mlp.gate_up_proj", {80, 16}},
                              {"self_attn.o_proj", {16, 16}},
                              {"self_attn.qkv_proj", {48, 16}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["Phi3ForCausalLM"], "model_type": "phi3"})"),
            R"(
model.layers.0.self_attn.qkv_proj attn_qkv 48x16
model.layers.0.self_attn.o_proj attn_o 16x16
model.layers.0.mlp.gate_up_proj mlp_gate_up 80x16
model.layers.0.mlp.down_proj mlp_down 16x40
)");
}

TEST_F(DecoderModels, Falcon) {
  add("transformer.word_embeddings", {90, 16});
  add_all("transformer.h.0.", {{"mlp.dense_4h_to_h", {16, 64}},
                               {"mlp.dense_h_to_4h", {64, 16}},
                               {"self_attention.dense", {16, 16}},
                               {"self_attention.query_key_value", {24, 16}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["FalconForCausalLM"], "model_type": "falcon"})"),
            R"(
transformer.h.0.self_attention.query_key_value attn_qkv 24x16
transformer.h.0.self_attention.dense attn_o 16x16
transformer.h.0.mlp.dense_h_to_4h mlp_up 64x16
transformer.h.0.mlp.dense_4h_to_h mlp_down 16x64
lm_head other_linear 90x16
)");
}

TEST_F(DecoderModels, GptNeox) {
  add("embed_out", {90, 16});
  add("gpt_neox.embed_in", {90, 16});
  add_all("gpt_neox.layers.0.", {{"attention.dense", {16, 16}},
                                 {"attention.query_key_value", {48, 16}},
                                 {"mlp.dense_4h_to_h", {16, 64}},
                                 {"mlp.dense_h_to_4h", {64, 16}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox"})"),
            R"(
gpt_neox.layers.0.attention.query_key_value attn_qkv 48x16
gpt_neox.layers.0.attention.dense attn_o 16x16
gpt_neox.layers.0.mlp.dense_h_to_4h mlp_up 64x16
gpt_neox.layers.0.mlp.dense_4h_to_h mlp_down 16x64
embed_out other_linear 90x16
)");
}

TEST_F(DecoderModels, Opt) {
  add_all("model.decoder.", {{"embed_positions", {34, 16}},
                             {"embed_tokens", {90, 8}},
                             {"project_in", {16, 8}},
                             {"project_out", {8, 16}}});
  add_all("model.decoder.layers.0.", {{"fc1", {64, 16}},
                                      {"fc2", {16, 64}},
                                      {"self_attn.k_proj", {16, 16}},
                                      {"self_attn.out_proj", {16, 16}},
                                      {"self_attn.q_proj", {16, 16}},
                                      {"self_attn.v_proj", {16, 16}},
                                      {"self_attn_layer_norm", {16}}});
  EXPECT_EQ(layers_of(R"({"architectures": ["OPTForCausalLM"], "model_type": "opt"})"),
            R"(
model.decoder.layers.0.self_attn.q_proj attn_q 16x16
model.decoder.layers.0.self_attn.k_proj attn_k 16x16
model.decoder.layers.0.self_attn.v_proj attn_v 16x16
model.decoder.layers.0.self_attn.out_proj attn_o 16x16
model.decoder.layers.0.fc1 mlp_up 64x16
model.decoder.layers.0.fc2 mlp_down 16x64
model.decoder.project_in other_linear 16x8
model.decoder.project_out other_linear 8x16
lm_head other_linear 90x8
)");
}

}  // namespace
}  // namespace alphahill
