/// The order of layers: that in which the model applies them.
#pragma once

#include <vector>

#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// Blocks first, towers that read images or sound before encoders before decoders; in a block attention (q,
/// k, v, o), cross-attention, the router, the MLP (gate, up, down), experts by number, shared experts, all
/// else by name; then what lies outside the blocks, the head last. Numbers in names compare as numbers.
void sort_in_model_order(std::vector<Layer>& layers);

}  // namespace alphahill
