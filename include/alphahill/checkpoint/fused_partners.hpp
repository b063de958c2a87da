/// The layers that an engine multiplies its input with as one matrix: they share a scale of the whole tensor.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// For each layer the indices of the others that are fused with it: those of one module, of experts the same one, that
/// are its query, key and value, its gate and up projection, or the two projections of MLA that take the hidden state,
/// by the last parts of their names, and have as many in_features. Of cross-attention key and value alone. A layer
/// that cannot be analysed is fused with none.
std::vector<std::vector<std::size_t>> fused_partners(std::span<const Layer> layers);

/// Keeps with each layer those that it is fused with, whichever layers are taken out of the catalog later.
void keep_fused_partners(Catalog& catalog);

}  // namespace alphahill
