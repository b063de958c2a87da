#include "alphahill/checkpoint/category.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// A category, and the words or endings by which a name in lower case has it.
struct Rule {
  std::string_view category;
  std::vector<std::string_view> words;
};

/// Fused projections: the rules below would see only the last of their parts.
const std::vector<Rule> fused{
    {"attn_qkv", {"qkv", "query_key_value", "c_attn", "kv_proj", "kv_a_proj", "kv_b_proj"}},
    {"mlp_gate_up", {"gate_up_proj"}},
};

/// The rules of the script that alphahill replaces, as they are.
const std::vector<Rule> common{
    {"attn_q", {"q_proj", ".q.", "query_proj"}},
    {"attn_k", {"k_proj", ".k.", "key_proj"}},
    {"attn_v", {"v_proj", ".v.", "value_proj"}},
    {"attn_o", {"o_proj", "out_proj", "proj_out"}},
    {"mlp_up", {"up_proj", "w1", "fc1", "dense_h_to_4h", "mlp_up"}},
    {"mlp_gate", {"gate_proj", "mlp_gate"}},
    {"mlp_down", {"down_proj", "w2", "fc2", "dense_4h_to_h", "mlp_down"}},
    {"router_or_gate", {"router", "route", "gate", "gating"}},
    {"expert_linear", {"expert"}},
};

/// What the rules above leave and whose role is plain: endings of names, of BERT, DistilBERT, GPT-2, GPT-J,
/// T5, Falcon, GPT-NeoX, Phi, ViT, InternLM, DeepSeek and torch's MultiheadAttention.
const std::vector<Rule> endings_in_attention{
    {"attn_qkv", {".in_proj"}},
    {"attn_q", {".query", ".q", ".q_lin", ".wq", ".q_a_proj", ".q_b_proj", ".q_attn"}},
    {"attn_k", {".key", ".k", ".k_lin", ".wk"}},
    {"attn_v", {".value", ".v", ".v_lin", ".wv"}},
    {"attn_o",
     {"attention.output.dense", "attention.dense", "attn.dense", ".c_proj", ".proj", ".o", ".wo",
      ".out_lin"}},
};
const std::vector<Rule> endings{
    {"mlp_gate", {".wi_0"}},
    {"mlp_up", {".intermediate.dense", ".c_fc", ".fc_in", ".lin1", ".wi", ".wi_1", ".w3"}},
    {"mlp_down", {".output.dense", ".c_proj", ".fc_out", ".lin2", ".wo"}},
};

using Match = bool (*)(std::string_view name, std::string_view word);

bool contains(std::string_view name, std::string_view word) {
  return name.find(word) != std::string_view::npos;
}
bool ends_with(std::string_view name, std::string_view word) {
  return name.ends_with(word);
}

/// The category of the first rule with a match, or nothing.
std::string_view first_match(const std::vector<Rule>& rules, std::string_view name, Match match) {
  for (const Rule& rule : rules) {
    if (std::ranges::any_of(rule.words, [&](std::string_view word) { return match(name, word); })) {
      return rule.category;
    }
  }
  return {};
}

}  // namespace

std::string_view category_of(std::string_view layer_name) {
  const std::string name = in_lower_case(layer_name);
  std::string_view category = first_match(fused, name, contains);
  if (category.empty()) category = first_match(common, name, contains);
  if (category.empty() && contains(name, "att"))
    category = first_match(endings_in_attention, name, ends_with);
  if (category.empty()) category = first_match(endings, name, ends_with);
  return category.empty() ? "other_linear" : category;
}

}  // namespace alphahill
