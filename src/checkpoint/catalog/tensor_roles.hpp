/// What each tensor of a checkpoint is taken for, so that none vanishes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

enum class TensorRole : std::uint8_t {
  unknown,  ///< of two and more dimensions, and none of those below
  layer,    ///< or several, as a tensor of experts
  layer_of_further_tokens,
  part_of_layer,  ///< scales, zero points, lengths, ...
  embedding,
  embedding_and_head,
  part_of_embedding,
  norm,
  convolution,
  bias,
  scale,
  indices,
  adapter,
  vector,  ///< of at most one dimension, and none of those above
};

/// "layer of multi-token prediction", "norm", "not known".
std::string_view name_of(TensorRole role);

/// What a tensor is that holds no layer and no embedding called X.weight: by its name, dtype and shape.
TensorRole role_by_name(const StoredTensor& tensor);

/// Roles of the tensors that layers take slices of.
class RolesByLayers {
 public:
  /// @param roles  one a tensor, which the functions below change
  RolesByLayers(const CheckpointHeaders& headers, std::vector<TensorRole>& roles);

  /// Gives that role to the tensors that the layers take besides those that they were found by.
  void mark_parts(const std::vector<Layer>& layers, TensorRole role);
  /// Marks the embeddings whose matrix a head shares.
  void mark_shared(const std::vector<Layer>& heads);

 private:
  template <class Is>
  void mark(const std::vector<Layer>& layers, Is is_of_role, TensorRole role);

  std::vector<std::tuple<std::int64_t, std::int64_t, std::size_t>>
      places_;  ///< file, offset, tensor; ascending
  std::vector<TensorRole>& roles_;
};

/// Those that are not known.
/// @param roles          one a tensor
/// @param layer_weights  of all layers and embeddings that have tensors
OtherTensors other_tensors(const CheckpointHeaders& headers, const std::vector<TensorRole>& roles,
                           double layer_weights);

}  // namespace alphahill
