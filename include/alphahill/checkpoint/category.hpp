/// The category of a layer: the role that its name tells.
#pragma once

#include <string_view>

namespace alphahill {

/// One of attn_q, attn_k, attn_v, attn_qkv, attn_o, mlp_up, mlp_gate, mlp_gate_up, mlp_down, router_or_gate,
/// expert_linear, other_linear.
std::string_view category_of(std::string_view layer_name);

}  // namespace alphahill
