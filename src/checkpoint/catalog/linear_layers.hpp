/// Which tensors of a checkpoint are Linear layers.
#pragma once

#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// The Linear layers among the tensors, in no particular order; their files count in headers.files.
///
/// A layer is a 2-D tensor X.weight that is no embedding and no gain of a norm, or a matrix of one expert in a
/// tensor of all of a block. GPT-2's Conv1D is stored transposed. Layers for multi-token prediction are among
/// them, and say so. A head that shares the embedding's matrix is a layer "lm_head". Pre-quantized weights and
/// experts in a layout that is not known are layers that are Unsupported.
std::vector<Layer> find_linear_layers(const CheckpointHeaders& headers, const ModelConfig& config);

}  // namespace alphahill
