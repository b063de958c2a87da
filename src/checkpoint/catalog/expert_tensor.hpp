/// Tensors that hold a matrix of every expert of a block.
///
///   [experts, rows, cols]   one projection, or gate and up beside each other: halves of the output features, or
///                           alternating ones; output features are rows or columns
///   [experts * rows, cols]  one projection, of DBRX
///
/// What a tensor holds follows from its name and the model's type, which axis is which from hidden_size.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

struct ExpertTensor {
  std::string prefix;                         ///< of its layers, without number: "model.layers.0.mlp.experts"
  std::vector<std::string_view> projections;  ///< of each expert, in the order of their features
  std::int64_t experts = 0;
  std::int64_t rows = 0;  ///< of one expert, as stored
  std::int64_t cols = 0;
  bool alternating = false;  ///< every second output feature is gate's; else the first half
  bool transposed = false;   ///< rows are in_features
  std::string unknown;       ///< why the above is not known; empty where it is
};

/// Where a tensor of experts may have the output features.
enum class OutputAxis {
  either,  ///< rows or columns, as its shape and its partner's tell
  rows,
  columns,
};

/// What a tensor of experts holds; nothing for a tensor that is not of experts, nor for biases and scales.
/// @param name   without ".weight"
/// @param shape  in weights
std::optional<ExpertTensor> find_expert_tensor(std::string_view name, std::span<const std::int64_t> shape,
                                               OutputAxis axis, const CheckpointHeaders& headers,
                                               const ModelConfig& config);

/// True for the name of a tensor that holds weights of a block's experts: "mlp.experts.gate_up_proj".
bool names_expert_weights(std::string_view name);

/// A projection of one expert.
struct ExpertMatrix {
  std::string layer;  ///< "model.layers.0.mlp.experts.7.gate_proj"
  TensorSlice values;
};

/// The projections of all experts, expert by expert. @pre tensor.unknown.empty()
/// @param offset  of the tensor's values in its file
std::vector<ExpertMatrix> matrices_of(const ExpertTensor& tensor, std::int64_t file, std::int64_t offset,
                                      std::int64_t value_bytes);

}  // namespace alphahill
