/// Heads that share the matrix of an embedding: Linear layers of the model without a tensor of their own.
#pragma once

#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// The head of the model, called "lm_head", and those of a small table of models that have others; none where
/// the file has them.
///
/// The model has a head where its class says so, or where the bias of one is stored without a weight, and
/// ties it as config.json says.
/// @param layers      that the file has
/// @param embeddings  that the file has
std::vector<Layer> find_tied_heads(const std::vector<Layer>& layers, const std::vector<Layer>& embeddings,
                                   const CheckpointHeaders& headers, const ModelConfig& config);

}  // namespace alphahill
