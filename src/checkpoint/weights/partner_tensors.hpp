/// The tensors beside the codes of a quantized module: scales, zero points, indices. They are checked by their
/// shapes when a layer is found, by their values when it is opened.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/headers/checkpoint_headers.hpp"
#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

struct ExpectedTensor {
  std::string name;
  std::vector<std::string_view> dtypes;  ///< it has one of these
  std::vector<std::int64_t> shape;
};

/// What is wrong with the first tensor that is missing or another than expected; empty where all are right.
std::string misfit(const CheckpointHeaders& headers, std::span<const ExpectedTensor> expected);

/// All of a tensor of at most two dimensions, as one row where it has fewer.
TensorSlice whole_tensor(const StoredTensor& tensor);

/// @throws Error(internal), which ends the layer and not the run
[[noreturn]] void refuse_values(const std::string& tensor, std::string reason);

/// All values of a tensor as they are stored.
template <class Value>
std::vector<Value> read_values(LayerFiles& files, const TensorSlice& slice) {
  std::vector<Value> values(static_cast<std::size_t>(slice.rows * slice.cols));
  SliceReader(files, slice, sizeof(Value))
      .read({0, slice.rows, 0, slice.cols}, std::as_writable_bytes(std::span(values)));
  return values;
}

/// All values of a tensor in F32, F16 or BF16.
/// @throws Error(internal) for one that is NaN or infinite
std::vector<float> read_scales(LayerFiles& files, const TensorSlice& slice, ElementFormat format,
                               const std::string& tensor);

/// @throws Error(internal) for a negative value
void require_not_negative(std::span<const float> scales, const std::string& tensor);

}  // namespace alphahill
