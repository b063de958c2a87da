/// All experts of a block in one tensor, in codes: a slice for each, stored as a matrix would be.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scaled_codes.hpp"
#include "checkpoint/weights/scales.hpp"

namespace alphahill {

namespace {

/// How the first expert is stored, with all of its projections; the others follow.
struct FirstExpert {
  ScaledCodes stored;
  bool scales_of_all = false;  ///< the others have the same scales
};

std::string_view name_of_experts(const StoredTensor& tensor) {
  return without_ending(tensor.name, ".weight").value_or(tensor.name);
}

std::int64_t output_features(const ExpertTensor& experts) {
  return experts.transposed ? experts.cols : experts.rows;
}

/// The matrices of a tensor that belongs to the experts.
std::vector<ExpertMatrix> parts_of(ExpertTensor experts, const TensorSlice& of_first,
                                   std::int64_t value_bytes) {
  experts.rows = of_first.rows;
  experts.cols = of_first.cols;
  return matrices_of(experts, of_first.file, of_first.offset, value_bytes);
}

/// The scales of each projection of each expert. @throws Misfit where gate and up share a scale in part
std::vector<ScaleGrid> scales_of(ExpertTensor experts, const FirstExpert& first) {
  ScaleGrid grid = first.stored.scales;
  const auto parts = std::ssize(experts.projections);
  const auto all = static_cast<std::size_t>(experts.experts * parts);
  const std::int64_t outputs = output_features(experts);
  std::int64_t& block = experts.transposed ? grid.block_cols : grid.block_rows;
  const bool pairs_of_rows = experts.alternating && block % parts == 0;
  const bool shared = block >= outputs || pairs_of_rows;
  if (!shared && (experts.alternating ? block > 1 : outputs / parts % block != 0 && parts > 1)) {
    throw Misfit(fmt::format("blocks of {} output features do not divide into those of gate and up", block));
  }
  if (pairs_of_rows) block /= parts;
  if (shared) experts.projections.resize(1);
  if (first.scales_of_all) experts.experts = 1;
  const std::vector<ExpertMatrix> found = parts_of(experts, grid.values, bytes_of(grid.format));
  std::vector<ScaleGrid> scales;
  for (std::size_t i = 0; i < all; ++i) {
    grid.values = found[(shared ? i / static_cast<std::size_t>(parts) : i) % found.size()].values;
    scales.push_back(grid);
  }
  return scales;
}

/// @throws Misfit
std::vector<Layer> layers_of(const StoredTensor& tensor, const ExpertTensor& experts,
                             const FirstExpert& first) {
  const std::vector<ExpertMatrix> codes = parts_of(experts, first.stored.codes, 1);
  const std::vector<ScaleGrid> scales = scales_of(experts, first);
  const auto parts = std::ssize(experts.projections);
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    ScaledCodes stored = first.stored;
    (stored.transposed ? stored.cols : stored.rows) /= parts;
    stored.codes = codes[i].values;
    stored.scales = scales[i];
    layers.push_back(make_layer(tensor, codes[i].layer, std::move(stored)));
  }
  return layers;
}

TensorSlice first_slice(const StoredTensor& tensor, std::int64_t rows, std::int64_t cols) {
  return {.file = tensor.file, .offset = tensor.offset, .rows = rows, .cols = cols, .row_stride = cols};
}

Layer refused(const StoredTensor& tensor, const ExpertTensor& experts, const std::string& why) {
  Features features{experts.rows, experts.cols};
  if (experts.transposed) std::swap(features.out, features.in);
  return unsupported_layer(tensor, name_of_experts(tensor), features,
                           fmt::format("experts in one tensor, {}: {}", shown(tensor), why));
}

/// Scales of the first expert, and whether they are those of all. @throws Misfit
std::pair<ScaleGrid, bool> scale_grid_of_first(const StoredTensor& scales, const ExpertTensor& experts,
                                               const QuantizationConfig& config) {
  const ScaleFormat format = scale_format(scales);
  std::vector<std::int64_t> shape = scales.shape;
  const bool of_all = std::ranges::all_of(shape, [](std::int64_t count) { return count == 1; });
  if (of_all) return {{first_slice(scales, 1, 1), format, experts.rows, experts.cols}, true};
  const std::string expected = fmt::format(
      "one scale, or for each of {} experts one, one an output feature or a grid of blocks", experts.experts);
  if (shape.size() > 3 || shape.front() != experts.experts) throw_misfit(scales, expected);
  shape.resize(3, 1);
  // fbgemm: [experts, out, 1] beside [experts, in, out].
  if (experts.transposed && shape[2] == 1 && shape[1] == output_features(experts))
    std::swap(shape[1], shape[2]);
  const TensorSlice values = first_slice(scales, shape[1], shape[2]);
  const bool turned = experts.transposed;
  const auto block = block_of_scales(
      turned ? Features{values.cols, values.rows} : Features{values.rows, values.cols},
      turned ? Features{experts.cols, experts.rows} : Features{experts.rows, experts.cols}, config);
  if (!block) throw_misfit(scales, expected);
  return {{values, format, turned ? block->cols : block->rows, turned ? block->rows : block->cols}, false};
}

std::vector<Layer> find_fp8_experts(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                    const ModelConfig& config) {
  constexpr std::array<std::string_view, 4> endings{"_scale_inv", "_scale", "_weight_scale_inv",
                                                    "_weight_scale"};
  if (tensor.dtype != "F8_E4M3" || tensor.shape.size() != 3) return {};
  const auto experts =
      find_expert_tensor(name_of_experts(tensor), tensor.shape, OutputAxis::either, headers, config);
  if (!experts || !experts->unknown.empty()) return {};
  for (const std::string_view ending : endings) {
    const StoredTensor* scales = headers.find(tensor.name + std::string(ending));
    if (scales == nullptr) continue;
    try {
      const auto [grid, of_all] = scale_grid_of_first(*scales, *experts, config.quantization);
      return layers_of(tensor, *experts,
                       {{.rows = experts->rows,
                         .cols = experts->cols,
                         .transposed = experts->transposed,
                         .codes = first_slice(tensor, experts->rows, experts->cols),
                         .scales = grid,
                         .scale_name = scales->name},
                        of_all});
    } catch (const Misfit& reason) {
      return {refused(tensor, *experts, reason.what())};
    }
  }
  return {refused(tensor, *experts,
                  fmt::format("codes without scales: expected {0}_scale_inv, {0}_scale or {0}_weight_scale",
                              tensor.name))};
}

/// ModelOpt's NVFP4 of Llama 4: groups, and the codes of a byte, lie along the input features.
std::vector<Layer> find_nvfp4_experts(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                      const ModelConfig& config) {
  constexpr std::int64_t group = 16;
  const StoredTensor* scales = headers.find(tensor.name + "_weight_scale");
  if (tensor.dtype != "U8" || tensor.shape.size() != 3 || scales == nullptr) return {};
  const std::int64_t rows = checked_multiply<std::int64_t>(tensor.shape[1], 2).value_or(0);
  const std::array shape{tensor.shape[0], rows, tensor.shape[2]};
  const auto experts =
      find_expert_tensor(name_of_experts(tensor), shape, OutputAxis::columns, headers, config);
  if (!experts || !experts->unknown.empty()) return {};
  try {
    const std::array expected{shape[0], rows / group, shape[2]};
    if (scales->dtype != "F8_E4M3" || rows % group != 0 || !std::ranges::equal(scales->shape, expected)) {
      throw_misfit(*scales, fmt::format("F8_E4M3 [{}, {} / {}, {}]", shape[0], rows, group, shape[2]));
    }
    const StoredTensor& of_tensor = required(headers, tensor.name + "_weight_scale_2");
    return layers_of(
        tensor, *experts,
        {{.format = CodeFormat::f4_e2m1_in_columns,
          .bits = 4,
          .rows = rows,
          .cols = shape[2],
          .transposed = true,
          .codes = first_slice(tensor, tensor.shape[1], shape[2]),
          .scales = {first_slice(*scales, rows / group, shape[2]), ScaleFormat::f8_e4m3, group, 1},
          .scale_name = scales->name,
          .tensor_scale = ScaledCodes::TensorScale::factor,
          .tensor_scale_value = one_f32(of_tensor),
          .tensor_scale_name = of_tensor.name}});
  } catch (const Misfit& reason) {
    return {refused(tensor, *experts, reason.what())};
  }
}

constexpr std::int64_t group_weights = 32;
constexpr std::int64_t group_bytes = group_weights / 2;

/// Why the scales cannot be those of the codes; empty where they can.
std::string misfit_of_scales(const StoredTensor* scales, const std::string& name,
                             std::span<const std::int64_t> codes_shape) {
  const auto expected = codes_shape.first(3);
  if (scales == nullptr) return fmt::format("{} is missing", name);
  const bool fit =
      std::ranges::equal(scales->shape, expected) && (scales->dtype == "U8" || scales->dtype == "F8_E8M0");
  if (fit) return {};
  return fmt::format("{}: expected U8 [{}], found {}", name, fmt::join(expected, ", "), shown(*scales));
}

/// gpt-oss's.
std::vector<Layer> find_mxfp4_experts(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                      const ModelConfig& config) {
  const auto name = without_ending(tensor.name, "_blocks");
  if (!name || tensor.shape.size() != 4) return {};
  const std::vector<std::int64_t>& stored = tensor.shape;
  const std::int64_t cols = checked_multiply(stored[2], group_weights).value_or(0);
  const std::array shape{stored[0], stored[1], cols};
  const auto experts = find_expert_tensor(*name, shape, OutputAxis::rows, headers, config);
  if (!experts) return {};
  const std::string scales_name = std::string(*name) + "_scales";
  const StoredTensor* scales = headers.find(scales_name);
  std::string why = experts->unknown;
  if (why.empty()) why = misfit_of_scales(scales, scales_name, stored);
  if (tensor.dtype != "U8" || stored[3] != group_bytes) {
    why = fmt::format("expected U8 [experts, rows, groups, {}]", group_bytes);
  }
  if (!why.empty()) {
    return {unsupported_layer(tensor, *name, {stored[1], cols},
                              fmt::format("MXFP4 experts in one tensor, {}: {}", shown(tensor), why))};
  }
  const TensorSlice powers = first_slice(*scales, stored[1], stored[2]);
  std::vector<Layer> layers = layers_of(tensor, *experts,
                                        {{.format = CodeFormat::f4_e2m1,
                                          .bits = 4,
                                          .rows = stored[1],
                                          .cols = cols,
                                          .codes = first_slice(tensor, stored[1], cols / 2),
                                          .scales = {powers, ScaleFormat::f8_e8m0, 1, group_weights},
                                          .scale_name = scales->name}});
  for (Layer& layer : layers) layer.stored_dtype = "MXFP4";
  return layers;
}

}  // namespace

std::vector<Layer> find_coded_experts(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                      const ModelConfig& config) {
  std::vector<Layer> layers = find_mxfp4_experts(tensor, headers, config);
  if (layers.empty()) layers = find_fp8_experts(tensor, headers, config);
  if (layers.empty()) layers = find_nvfp4_experts(tensor, headers, config);
  return layers;
}

}  // namespace alphahill
