#include "alphahill/checkpoint/category.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace alphahill {
namespace {

using Expected = std::vector<std::pair<std::string, std::string>>;

void expect_categories(const Expected& expected) {
  for (const auto& [name, category] : expected) EXPECT_EQ(category_of(name), category) << name;
}

TEST(Category, TheRulesOfTheScriptApplyInTheirOrder) {
  expect_categories({{"model.layers.0.self_attn.q_proj", "attn_q"},
                     {"deberta.encoder.layer.0.attention.self.query_proj", "attn_q"},
                     {"layer.q.lora", "attn_q"},
                     {"model.layers.0.self_attn.k_proj", "attn_k"},
                     {"deberta.encoder.layer.0.attention.self.key_proj", "attn_k"},
                     {"model.layers.0.self_attn.v_proj", "attn_v"},
                     {"deberta.encoder.layer.0.attention.self.value_proj", "attn_v"},
                     {"model.layers.0.self_attn.o_proj", "attn_o"},
                     {"model.decoder.layers.0.self_attn.out_proj", "attn_o"},
                     {"proj_out", "attn_o"},
                     {"model.layers.0.mlp.up_proj", "mlp_up"},
                     {"model.layers.0.block_sparse_moe.experts.0.w1", "mlp_up"},
                     {"model.decoder.layers.0.fc1", "mlp_up"},
                     {"gpt_neox.layers.0.mlp.dense_h_to_4h", "mlp_up"},
                     {"model.layers.0.mlp.gate_proj", "mlp_gate"},
                     {"model.layers.0.mlp.experts.7.down_proj", "mlp_down"},
                     {"model.layers.0.block_sparse_moe.experts.0.w2", "mlp_down"},
                     {"model.decoder.layers.0.fc2", "mlp_down"},
                     {"gpt_neox.layers.0.mlp.dense_4h_to_h", "mlp_down"},
                     {"model.layers.0.mlp.router", "router_or_gate"},
                     {"model.layers.0.mlp.gate", "router_or_gate"},
                     {"model.layers.0.mlp.shared_expert_gate", "router_or_gate"},
                     {"model.layers.0.block_sparse_moe.experts.0.w3", "expert_linear"},
                     {"lm_head", "other_linear"},
                     {"pooler.dense", "other_linear"},
                     {"MODEL.LAYERS.0.SELF_ATTN.Q_PROJ", "attn_q"}});
}

TEST(Category, FusedProjectionsHaveCategoriesOfTheirOwn) {
  expect_categories({{"model.layers.0.self_attn.qkv_proj", "attn_qkv"},
                     {"transformer.h.0.self_attention.query_key_value", "attn_qkv"},
                     {"transformer.h.0.attn.c_attn", "attn_qkv"},
                     {"transformer.blocks.0.attn.Wqkv", "attn_qkv"},
                     {"visual.blocks.0.attn.qkv", "attn_qkv"},
                     {"vision_model.head.attention.in_proj", "attn_qkv"},
                     {"model.layers.0.self_attn.kv_a_proj_with_mqa", "attn_qkv"},
                     {"model.layers.0.self_attn.kv_b_proj", "attn_qkv"},
                     {"model.layers.0.mlp.gate_up_proj", "mlp_gate_up"},
                     {"model.layers.0.mlp.experts.gate_up_proj", "mlp_gate_up"}});
}

TEST(Category, PlainRolesThatTheScriptLeavesOutGetTheSameWords) {
  expect_categories({{"encoder.layer.0.attention.self.query", "attn_q"},
                     {"encoder.layer.0.attention.self.key", "attn_k"},
                     {"encoder.layer.0.attention.self.value", "attn_v"},
                     {"encoder.layer.0.attention.output.dense", "attn_o"},
                     {"encoder.layer.0.intermediate.dense", "mlp_up"},
                     {"encoder.layer.0.output.dense", "mlp_down"},
                     {"distilbert.transformer.layer.0.attention.q_lin", "attn_q"},
                     {"distilbert.transformer.layer.0.attention.out_lin", "attn_o"},
                     {"distilbert.transformer.layer.0.ffn.lin1", "mlp_up"},
                     {"distilbert.transformer.layer.0.ffn.lin2", "mlp_down"},
                     {"h.0.attn.c_proj", "attn_o"},
                     {"h.0.mlp.c_fc", "mlp_up"},
                     {"h.0.mlp.c_proj", "mlp_down"},
                     {"transformer.h.0.mlp.fc_in", "mlp_up"},
                     {"transformer.h.0.mlp.fc_out", "mlp_down"},
                     {"encoder.block.0.layer.0.SelfAttention.q", "attn_q"},
                     {"decoder.block.0.layer.1.EncDecAttention.k", "attn_k"},
                     {"decoder.block.0.layer.1.EncDecAttention.o", "attn_o"},
                     {"encoder.block.0.layer.1.DenseReluDense.wi", "mlp_up"},
                     {"encoder.block.0.layer.1.DenseReluDense.wi_0", "mlp_gate"},
                     {"encoder.block.0.layer.1.DenseReluDense.wi_1", "mlp_up"},
                     {"encoder.block.0.layer.1.DenseReluDense.wo", "mlp_down"},
                     {"transformer.h.0.self_attention.dense", "attn_o"},
                     {"model.layers.0.self_attn.dense", "attn_o"},
                     {"visual.blocks.0.attn.proj", "attn_o"},
                     {"model.layers.0.attention.wo", "attn_o"},
                     {"model.layers.0.feed_forward.w3", "mlp_up"},
                     {"model.layers.0.self_attn.q_a_proj", "attn_q"},
                     {"model.layers.0.self_attn.q_b_proj", "attn_q"}});
}

}  // namespace
}  // namespace alphahill
