/// Linear layers in forms that cannot be analysed yet: pre-quantized, or all experts of a block in one
/// tensor.
#pragma once

#include <optional>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// The layer that `tensor` stands for (out_features and in_features as the model sees them where the headers
/// tell, else as stored), with the reason in `unsupported`; nothing where it is of no such form.
std::optional<Layer> unsupported_layer(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                       const ModelConfig& config);

}  // namespace alphahill
