/// What a person expects of models with experts: every layer, in order, with category and shape.
#include "architecture.hpp"

namespace alphahill {
namespace {

using ExpertModels = Architecture;

TEST_F(ExpertModels, Mixtral) {
  add("lm_head", {90, 16});
  add_all(
      "model.layers.0.",
      {{"block_sparse_moe.gate", {11, 16}}, {"self_attn.o_proj", {16, 16}}, {"self_attn.q_proj", {16, 16}}});
  for (const std::string expert : {"10", "2"}) {
    add_all("model.layers.0.block_sparse_moe.experts." + expert + ".",
            {{"w1", {40, 16}}, {"w2", {16, 40}}, {"w3", {40, 16}}});
  }
  EXPECT_EQ(layers_of(R"({"architectures": ["MixtralForCausalLM"], "model_type": "mixtral"})"),
            R"(
model.layers.0.self_attn.q_proj attn_q 16x16
model.layers.0.self_attn.o_proj attn_o 16x16
model.layers.0.block_sparse_moe.gate router_or_gate 11x16
model.layers.0.block_sparse_moe.experts.2.w1 mlp_up 40x16
model.layers.0.block_sparse_moe.experts.2.w2 mlp_down 16x40
model.layers.0.block_sparse_moe.experts.2.w3 expert_linear 40x16
model.layers.0.block_sparse_moe.experts.10.w1 mlp_up 40x16
model.layers.0.block_sparse_moe.experts.10.w2 mlp_down 16x40
model.layers.0.block_sparse_moe.experts.10.w3 expert_linear 40x16
lm_head other_linear 90x16
)");
}

TEST_F(ExpertModels, DeepSeekWithoutItsMultiTokenPrediction) {
  add("lm_head", {90, 16});
  add("model.embed_tokens", {90, 16});
  add("model.layers.0.mlp.up_proj", {40, 16});
  add_all("model.layers.1.self_attn.", {{"kv_a_proj_with_mqa", {12, 16}},
                                        {"kv_a_layernorm", {8}},
                                        {"kv_b_proj", {32, 8}},
                                        {"o_proj", {16, 16}},
                                        {"q_a_proj", {8, 16}},
                                        {"q_b_proj", {24, 8}}});
  add_all("model.layers.1.mlp.", {{"gate", {2, 16}},
                                  {"shared_experts.down_proj", {16, 8}},
                                  {"shared_experts.gate_proj", {8, 16}},
                                  {"shared_experts.up_proj", {8, 16}}});
  for (const std::string expert : {"0", "1"}) {
    add_all("model.layers.1.mlp.experts." + expert + ".",
            {{"down_proj", {16, 8}}, {"gate_proj", {8, 16}}, {"up_proj", {8, 16}}});
  }
  builder_.add("model.layers.1.mlp.gate.e_score_correction_bias", "F32", {2});
  add_all("model.layers.2.", {{"eh_proj", {16, 32}},
                              {"embed_tokens", {90, 16}},
                              {"shared_head.head", {90, 16}},
                              {"self_attn.o_proj", {16, 16}}});
  EXPECT_EQ(
      layers_of(
          R"({"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "num_hidden_layers": 2})"),
      R"(
model.layers.0.mlp.up_proj mlp_up 40x16
model.layers.1.self_attn.q_a_proj attn_q 8x16
model.layers.1.self_attn.q_b_proj attn_q 24x8
model.layers.1.self_attn.kv_a_proj_with_mqa attn_qkv 12x16
model.layers.1.self_attn.kv_b_proj attn_qkv 32x8
model.layers.1.self_attn.o_proj attn_o 16x16
model.layers.1.mlp.gate router_or_gate 2x16
model.layers.1.mlp.experts.0.gate_proj mlp_gate 8x16
model.layers.1.mlp.experts.0.up_proj mlp_up 8x16
model.layers.1.mlp.experts.0.down_proj mlp_down 16x8
model.layers.1.mlp.experts.1.gate_proj mlp_gate 8x16
model.layers.1.mlp.experts.1.up_proj mlp_up 8x16
model.layers.1.mlp.experts.1.down_proj mlp_down 16x8
model.layers.1.mlp.shared_experts.gate_proj mlp_gate 8x16
model.layers.1.mlp.shared_experts.up_proj mlp_up 8x16
model.layers.1.mlp.shared_experts.down_proj mlp_down 16x8
lm_head other_linear 90x16
)");
}

TEST_F(ExpertModels, BlocksThatPredictFurtherTokensAreKnownByTheirCountToo) {
  add("model.layers.0.mlp.up_proj", {40, 16});
  add("model.layers.1.mlp.up_proj", {40, 16});
  add("model.layers.99999999999999999999.mlp.up_proj", {40, 16});
  EXPECT_EQ(layers_of(R"({"model_type": "glm4_moe", "num_hidden_layers": 1, "num_nextn_predict_layers": 1})"),
            R"(
model.layers.0.mlp.up_proj mlp_up 40x16
)");
}

TEST_F(ExpertModels, GptOss) {
  add("model.layers.0.mlp.router", {11, 16});
  add("model.layers.0.self_attn.q_proj", {16, 16});
  builder_.add("model.layers.0.self_attn.sinks", "BF16", {4});
  builder_.add("model.layers.0.mlp.experts.gate_up_proj", "BF16", {11, 16, 80});
  builder_.add("model.layers.0.mlp.experts.gate_up_proj_bias", "BF16", {11, 80});
  builder_.add("model.layers.0.mlp.experts.down_proj", "BF16", {11, 40, 16});
  builder_.add("model.layers.0.mlp.experts.down_proj_bias", "BF16", {11, 16});
  std::string experts;
  for (int expert = 0; expert < 11; ++expert) {
    const std::string prefix = fmt::format("model.layers.0.mlp.experts.{}.", expert);
    experts += prefix + "gate_proj mlp_gate 40x16\n" + prefix + "up_proj mlp_up 40x16\n" + prefix +
               "down_proj mlp_down 16x40\n";
  }
  EXPECT_EQ(layers_of(R"({"model_type": "gpt_oss", "hidden_size": 16})"),
            "\nmodel.layers.0.self_attn.q_proj attn_q 16x16\n"
            "model.layers.0.mlp.router router_or_gate 11x16\n" +
                experts);
}

TEST_F(ExpertModels, Llama4InsideAModelOfSeveralMedia) {
  add_all("language_model.model.layers.0.feed_forward.", {{"router", {1, 16}},
                                                          {"shared_expert.down_proj", {16, 40}},
                                                          {"shared_expert.gate_proj", {40, 16}},
                                                          {"shared_expert.up_proj", {40, 16}}});
  builder_.add("language_model.model.layers.0.feed_forward.experts.gate_up_proj", "BF16", {1, 16, 80});
  builder_.add("language_model.model.layers.0.feed_forward.experts.down_proj", "BF16", {1, 40, 16});
  EXPECT_EQ(layers_of(R"({"model_type": "llama4", "hidden_size": 80,
                          "text_config": {"model_type": "llama4_text", "hidden_size": 16}})"),
            R"(
language_model.model.layers.0.feed_forward.router router_or_gate 1x16
language_model.model.layers.0.feed_forward.experts.0.gate_proj mlp_gate 40x16
language_model.model.layers.0.feed_forward.experts.0.up_proj mlp_up 40x16
language_model.model.layers.0.feed_forward.experts.0.down_proj mlp_down 16x40
language_model.model.layers.0.feed_forward.shared_expert.gate_proj mlp_gate 40x16
language_model.model.layers.0.feed_forward.shared_expert.up_proj mlp_up 40x16
language_model.model.layers.0.feed_forward.shared_expert.down_proj mlp_down 16x40
)");
}

TEST_F(ExpertModels, JetMoeWhoseAttentionHasExpertsToo) {
  add_all("model.layers.0.self_attention.", {{"kv_proj", {32, 16}},
                                             {"experts.router.layer", {2, 16}},
                                             {"experts.input_linear", {2, 16, 16}},
                                             {"experts.output_linear", {2, 16, 16}}});
  add_all("model.layers.0.mlp.",
          {{"router.layer", {2, 16}}, {"input_linear", {2, 80, 16}}, {"output_linear", {2, 16, 40}}});
  EXPECT_EQ(layers_of(R"({"model_type": "jetmoe", "hidden_size": 16})"), R"(
model.layers.0.self_attention.kv_proj attn_qkv 32x16
model.layers.0.self_attention.experts.router.layer router_or_gate 2x16
model.layers.0.self_attention.experts.0.q_proj attn_q 16x16
model.layers.0.self_attention.experts.0.o_proj attn_o 16x16
model.layers.0.self_attention.experts.1.q_proj attn_q 16x16
model.layers.0.self_attention.experts.1.o_proj attn_o 16x16
model.layers.0.mlp.router.layer router_or_gate 2x16
model.layers.0.mlp.experts.0.gate_proj mlp_gate 40x16
model.layers.0.mlp.experts.0.up_proj mlp_up 40x16
model.layers.0.mlp.experts.0.down_proj mlp_down 16x40
model.layers.0.mlp.experts.1.gate_proj mlp_gate 40x16
model.layers.0.mlp.experts.1.up_proj mlp_up 40x16
model.layers.0.mlp.experts.1.down_proj mlp_down 16x40
)");
}

TEST_F(ExpertModels, Dbrx) {
  add_all("transformer.blocks.0.", {{"norm_attn_norm.attn.Wqkv", {24, 16}}, {"ffn.router.layer", {2, 16}}});
  for (const std::string name : {"v1", "w1", "w2"}) {
    builder_.add("transformer.blocks.0.ffn.experts.mlp." + name, "BF16", {80, 16});
  }
  EXPECT_EQ(layers_of(R"({"model_type": "dbrx", "d_model": 16})"), R"(
transformer.blocks.0.norm_attn_norm.attn.Wqkv attn_qkv 24x16
transformer.blocks.0.ffn.router.layer router_or_gate 2x16
transformer.blocks.0.ffn.experts.mlp.experts.0.gate_proj mlp_gate 40x16
transformer.blocks.0.ffn.experts.mlp.experts.0.up_proj mlp_up 40x16
transformer.blocks.0.ffn.experts.mlp.experts.0.down_proj mlp_down 16x40
transformer.blocks.0.ffn.experts.mlp.experts.1.gate_proj mlp_gate 40x16
transformer.blocks.0.ffn.experts.mlp.experts.1.up_proj mlp_up 40x16
transformer.blocks.0.ffn.experts.mlp.experts.1.down_proj mlp_down 16x40
)");
}

}  // namespace
}  // namespace alphahill
