/// Weights that the model does not apply as they are stored: placeholders, adapters, slices of tensor parallelism.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// True for a tensor that peft adds beside the weights of a module: "X.lora_A.default.weight".
bool is_adapter(std::string_view tensor);

/// Placeholders [0] are what a save under DeepSpeed's ZeRO-3 leaves of weights. Those of norms and embeddings alone
/// are warned of.
/// @param where  the checkpoint, for errors
/// @throws Error(input) for placeholders of layers' weights
void refuse_placeholders(const CheckpointHeaders& headers, const ModelConfig& config,
                         const std::string& where);

/// @param allow  warn instead
/// @throws Error(input) where an adapter is not merged into the weights, with words on how to
void refuse_unmerged_adapters(const CheckpointHeaders& headers, const std::string& where, bool allow);

/// Looks for a slice of a model that is split over ranks: matrices that have the same part of what config.json says
/// in attention and MLP. Where only one of them has, or shapes do not tell and a file is called as that of one rank,
/// it warns.
/// @param layers  of the checkpoint, with their categories
/// @throws Error(input) for matrices that are slices
void refuse_slices(const std::vector<Layer>& layers, const CheckpointHeaders& headers,
                   const ModelConfig& config, const std::string& where);

}  // namespace alphahill
