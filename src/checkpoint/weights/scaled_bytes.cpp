/// FP8 and INT8 with scales.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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

std::string text_of_grid(Features weights, const std::vector<BlockSize>& blocks) {
  if (blocks.empty()) return "no size of blocks in config.json";
  if (blocks.size() > 1) return fmt::format("of one of the {} sizes of blocks in config.json", blocks.size());
  const BlockSize& block = blocks.front();
  return fmt::format("[{}, {}], one a block of {} x {}", divide_rounding_up(weights.out, block.rows),
                     divide_rounding_up(weights.in, block.cols), block.rows, block.cols);
}

/// ModelOpt's [rows of blocks, 1, columns of blocks, 1]. @throws Misfit
ScaleGrid scale_grid_of_model_opt(const StoredTensor& scales, Features weights) {
  const Features grid{scales.shape[0], scales.shape[2]};
  if (scales.shape[1] != 1 || scales.shape[3] != 1 || !is_grid(grid, model_opt_block, weights)) {
    throw_misfit(scales, fmt::format("[{}, 1, {}, 1]", divide_rounding_up(weights.out, model_opt_block.rows),
                                     divide_rounding_up(weights.in, model_opt_block.cols)));
  }
  const TensorSlice values{
      .file = scales.file, .offset = scales.offset, .rows = grid.out, .cols = grid.in, .row_stride = grid.in};
  return {values, scale_format(scales), model_opt_block.rows, model_opt_block.cols};
}

/// @throws Misfit
ScaleGrid scale_grid(const StoredTensor& scales, const CodedTensor& coded) {
  const Features weights{coded.tensor.shape[0], coded.tensor.shape[1]};
  if (scales.shape.size() == 4) return scale_grid_of_model_opt(scales, weights);
  TensorSlice values = as_matrix(scales);
  const ScaleFormat format = scale_format(scales);
  if (const auto block = block_of_scales({values.rows, values.cols}, weights, coded.config)) {
    return {values, format, block->rows, block->cols};
  }
  if (values.rows == 1 && values.cols == weights.out) {  // one a row of W, beside one another
    std::swap(values.rows, values.cols);
    values.row_stride = 1;
    return {values, format, 1, std::max<std::int64_t>(weights.in, 1)};
  }
  throw_misfit(scales, fmt::format("one scale, [{}, 1], one a row, or a grid ({})", weights.out,
                                   text_of_grid(weights, coded.config.block_sizes)));
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

/// Null where there are none.
const StoredTensor* scales_beside(const CodedTensor& coded, const std::string& stem) {
  const bool is_fp8 = coded.tensor.dtype == "F8_E4M3";
  for (const char* name : {"weight_scale_inv", "weight_scale", "scale"}) {
    if (!is_fp8 && std::string_view(name) != "weight_scale") continue;
    if (const StoredTensor* scales = coded.headers.find(stem + name)) return scales;
  }
  return nullptr;
}

/// @throws Misfit
ScaledCodes byte_codes(const CodedTensor& coded, const std::string& stem) {
  const StoredTensor& tensor = coded.tensor;
  const bool is_fp8 = tensor.dtype == "F8_E4M3";
  const StoredTensor* scales = scales_beside(coded, stem);
  if (scales == nullptr) {
    throw Misfit(fmt::format("codes without scales: expected {} beside them",
                             is_fp8 ? "weight_scale_inv, weight_scale or scale" : "weight_scale or SCB"));
  }
  refuse_partner(coded.headers, stem + "weight_scale_2", tensor.dtype);
  refuse_partner(coded.headers, stem + "weight_global_scale", tensor.dtype);
  ScaledCodes stored{.format = is_fp8 ? CodeFormat::f8_e4m3 : CodeFormat::int8,
                     .rows = tensor.shape[0],
                     .cols = tensor.shape[1],
                     .codes = whole_matrix(tensor),
                     .scales = scale_grid(*scales, coded),
                     .scale_name = scales->name};
  const StoredTensor* zero_points = coded.headers.find(stem + "weight_zero_point");
  if (zero_points != nullptr) add_zero_points(*zero_points, stored);
  add_group_indices(coded.headers, stem, stored);
  return stored;
}

}  // namespace

std::optional<BlockSize> block_of_scales(Features scales, Features weights,
                                         const QuantizationConfig& config) {
  const BlockSize whole{std::max<std::int64_t>(weights.out, 1), std::max<std::int64_t>(weights.in, 1)};
  if (scales.out == 1 && scales.in == 1) return whole;
  const auto fits = [&](const BlockSize& block) { return is_grid(scales, block, weights); };
  const auto fitting = std::ranges::count_if(config.block_sizes, fits);
  if (fitting > 1) return std::nullopt;
  if (fitting == 1) return *std::ranges::find_if(config.block_sizes, fits);
  if (scales.out != weights.out || scales.in == 0 || weights.in % scales.in != 0) return std::nullopt;
  return BlockSize{1, std::max<std::int64_t>(weights.in / scales.in, 1)};
}

std::optional<Layer> find_scaled_bytes(const CodedTensor& coded) {
  const StoredTensor& tensor = coded.tensor;
  const auto name = without_ending(tensor.name, ".weight");
  const bool holds_codes = tensor.dtype == "F8_E4M3" || tensor.dtype == "I8";
  if (!name || tensor.shape.size() != 2 || !holds_codes) return std::nullopt;
  try {
    return make_layer(tensor, *name, byte_codes(coded, std::string(*name) + '.'));
  } catch (const Misfit& reason) {
    return unsupported_layer(tensor, *name, {tensor.shape[0], tensor.shape[1]}, reason.what());
  }
}

}  // namespace alphahill
