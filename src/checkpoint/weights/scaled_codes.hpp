/// Which tensors are codes with scales, and which tensors beside them hold these.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// A tensor that may hold codes, and what is needed to find out.
struct CodedTensor {
  const StoredTensor& tensor;
  const CheckpointHeaders& headers;
  const QuantizationConfig& config;
};

/// X.weight in F8_E4M3 or I8 [out, in], with X.weight_scale_inv, X.weight_scale or X.scale: one a tensor, a row,
/// a block or a group of a row; X.weight_zero_point I8, one a scale; X.weight_g_idx, of compressed-tensors in all of
/// its forms: the group of each column.
/// The layer is Unsupported, with a reason, where these do not fit. So in the others.
std::optional<Layer> find_scaled_bytes(const CodedTensor& coded);

/// FP4, two to a byte: X.weight_packed U8 [out, in / 2] with X.weight_scale F8_E4M3 [out, in / 16] and the divisor
/// X.weight_global_scale (compressed-tensors' NVFP4), or with X.weight_scale U8 [out, in / 32] (its MXFP4);
/// X.weight U8 with X.weight_scale and the factor X.weight_scale_2 (ModelOpt's NVFP4); X.weight I8 with X.scale
/// F8_E8M0 [out, in / 32] (DeepSeek-V4).
std::optional<Layer> find_fp4(const CodedTensor& coded);

/// compressed-tensors' integers: X.weight_packed I32, of 2 to 8 bits, with X.weight_scale, X.weight_shape, and
/// X.weight_zero_point where it is there.
std::optional<Layer> find_packed(const CodedTensor& coded);

/// All experts of a block in one tensor X, each as a matrix would be stored: F8_E4M3 [experts, rows, cols] with X_scale_inv,
/// X_scale or X_weight_scale, one of all, or for each expert one, one an output feature, or those of blocks or groups; U8
/// [experts, in / 2, out], FP4 with the codes of two inputs to a byte, with X_weight_scale F8_E4M3 [experts, in / 16, out]
/// and the factor X_weight_scale_2 (ModelOpt's NVFP4 of Llama 4); gpt-oss's X_blocks U8 [experts, out, in / 32, 16], FP4,
/// with X_scales U8 [experts, out, in / 32].
std::vector<Layer> find_coded_experts(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                      const ModelConfig& config);

/// Takes X.weight_g_idx I32 [in] where it is there. @param stem  "X."
/// @throws Misfit
void add_group_indices(const CheckpointHeaders& headers, const std::string& stem, ScaledCodes& stored);

/// The block of W whose grid the scales are, as config.json, or groups of equal size in a row, have it; nothing where
/// they are none, or may be those of several sizes. Shapes alone do not tell the size of partial blocks.
/// @param scales  rows and columns of the grid, that of W [out, in]
std::optional<BlockSize> block_of_scales(Features scales, Features weights, const QuantizationConfig& config);

}  // namespace alphahill
