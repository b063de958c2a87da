#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scaled_codes.hpp"

namespace alphahill {

namespace {

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

std::vector<Layer> layers_of(const StoredTensor& codes, const StoredTensor& scales,
                             const ExpertTensor& experts) {
  ExpertTensor in_bytes = experts;
  in_bytes.cols = experts.cols / 2;
  const std::vector<ExpertMatrix> of_codes = matrices_of(in_bytes, codes.file, codes.offset, 1);
  in_bytes.cols = experts.cols / group_weights;
  const std::vector<ExpertMatrix> of_scales = matrices_of(in_bytes, scales.file, scales.offset, 1);
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < of_codes.size(); ++i) {
    Layer& layer =
        layers.emplace_back(make_layer(codes, of_codes[i].layer, of_codes[i].values.rows, experts.cols));
    layer.stored_dtype = "MXFP4";
    ScaledCodes stored;
    stored.format = CodeFormat::f4_e2m1;
    stored.bits = 4;
    stored.rows = layer.out_features;
    stored.cols = layer.in_features;
    stored.codes = of_codes[i].values;
    stored.scales = {of_scales[i].values, ScaleFormat::f8_e8m0, 1, group_weights};
    stored.scale_name = scales.name;
    layer.layout = std::move(stored);
  }
  return layers;
}

}  // namespace

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
  if (why.empty()) return layers_of(tensor, *scales, *experts);
  return {unsupported_layer(tensor, *name, {stored[1], cols},
                            fmt::format("MXFP4 experts in one tensor, {}: {}", shown(tensor), why))};
}

}  // namespace alphahill
