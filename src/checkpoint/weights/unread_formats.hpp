/// Formats of quantized weights that are known by the names of their tensors, and not read.
#pragma once

#include <optional>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// The Unsupported layer whose codes the tensor holds; none for another tensor of such a module that would be taken for
/// a weight. Nothing for all other tensors. The layer's sides are those of the codes where shapes do not tell them.
/// @throws Error(input) as unsupported_layer
std::optional<std::vector<Layer>> layers_of_unread_format(const StoredTensor& tensor,
                                                          const CheckpointHeaders& headers);

}  // namespace alphahill
