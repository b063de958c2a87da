/// Which tensors of a checkpoint are Linear layers.
#pragma once

#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/tensor_roles.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

struct FoundLayers {
  std::vector<Layer> layers;      ///< in no particular order; their files count in headers.files
  std::vector<TensorRole> roles;  ///< one a tensor
  double weights = 0;             ///< of all layers and embeddings that have tensors
};

/// The Linear layers among the tensors.
///
/// A layer is a 2-D tensor X.weight that is no embedding and no gain of a norm, or a matrix of one expert in a
/// tensor of all of a block. GPT-2's Conv1D is stored transposed. Layers for multi-token prediction are among
/// them, and say so; adapters are not. A head that shares the embedding's matrix is a layer "lm_head".
/// Quantized weights and experts in a layout that is not known are layers that are Unsupported.
FoundLayers find_linear_layers(const CheckpointHeaders& headers, const ModelConfig& config);

}  // namespace alphahill
