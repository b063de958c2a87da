/// FP8 and INT8 with scales.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scaled_codes.hpp"

namespace alphahill {

namespace {

bool is_grid(Features scales, BlockSize block, Features weights) {
  return scales.out == divide_rounding_up(weights.out, block.rows) &&
         scales.in == divide_rounding_up(weights.in, block.cols);
}

/// @throws Misfit
ScaleGrid scale_grid(const StoredTensor& scales, const CodedTensor& coded) {
  const std::int64_t rows = coded.tensor.shape[0], cols = coded.tensor.shape[1];
  const TensorSlice values = as_matrix(scales);
  const ScaleFormat format = scale_format(scales);
  if (const auto block = block_of_scales({values.rows, values.cols}, {rows, cols}, coded.config)) {
    return {values, format, block->rows, block->cols};
  }
  std::string blocks = "no size of blocks in config.json";
  if (!coded.config.block_sizes.empty()) {
    const BlockSize& block = coded.config.block_sizes.front();
    blocks = fmt::format("[{}, {}], one a block of {} x {}", divide_rounding_up(rows, block.rows),
                         divide_rounding_up(cols, block.cols), block.rows, block.cols);
  }
  throw_misfit(scales, fmt::format("one scale, [{}, 1], one a row, or a grid ({})", rows, blocks));
}

/// @throws Misfit
void add_zero_points(const StoredTensor& zero_points, ScaledCodes& stored) {
  const TensorSlice values = as_matrix(zero_points);
  const TensorSlice& scales = stored.scales.values;
  if (zero_points.dtype != "I8" || values.rows != scales.rows || values.cols != scales.cols) {
    throw_misfit(zero_points, fmt::format("I8 [{}, {}], one a scale", scales.rows, scales.cols));
  }
  stored.zero_points = ScaledCodes::ZeroPoints::int8;
  stored.zero_point_values = values;
}

}  // namespace

std::optional<BlockSize> block_of_scales(Features scales, Features weights,
                                         const QuantizationConfig& config) {
  const BlockSize whole{std::max<std::int64_t>(weights.out, 1), std::max<std::int64_t>(weights.in, 1)};
  if (scales.out == 1 && scales.in == 1) return whole;
  for (const BlockSize& block : config.block_sizes) {
    if (is_grid(scales, block, weights)) return block;
  }
  if (scales.out != weights.out || scales.in == 0 || weights.in % scales.in != 0) return std::nullopt;
  return BlockSize{1, std::max<std::int64_t>(weights.in / scales.in, 1)};
}

std::optional<Layer> find_scaled_bytes(const CodedTensor& coded) {
  const StoredTensor& tensor = coded.tensor;
  const auto name = without_ending(tensor.name, ".weight");
  const bool is_fp8 = tensor.dtype == "F8_E4M3";
  if (!name || tensor.shape.size() != 2 || !(is_fp8 || tensor.dtype == "I8")) return std::nullopt;
  const std::string stem = std::string(*name) + '.';
  constexpr std::array<std::string_view, 3> names{"weight_scale_inv", "weight_scale", "scale"};
  for (const std::string_view scale_name : names) {
    const StoredTensor* scales = coded.headers.find(stem + std::string(scale_name));
    if (scales == nullptr || (!is_fp8 && scale_name != "weight_scale")) continue;
    try {
      ScaledCodes stored{.format = is_fp8 ? CodeFormat::f8_e4m3 : CodeFormat::int8,
                         .rows = tensor.shape[0],
                         .cols = tensor.shape[1],
                         .codes = whole_matrix(tensor),
                         .scales = scale_grid(*scales, coded),
                         .scale_name = std::string(scale_name)};
      const StoredTensor* zero_points = coded.headers.find(stem + "weight_zero_point");
      if (zero_points != nullptr) add_zero_points(*zero_points, stored);
      return make_layer(tensor, *name, std::move(stored));
    } catch (const Misfit& reason) {
      return unsupported_layer(tensor, *name, {tensor.shape[0], tensor.shape[1]}, reason.what());
    }
  }
  if (!is_fp8) return std::nullopt;
  return unsupported_layer(
      tensor, *name, {tensor.shape[0], tensor.shape[1]},
      "codes without scales: expected weight_scale_inv, weight_scale or scale beside them");
}

}  // namespace alphahill
