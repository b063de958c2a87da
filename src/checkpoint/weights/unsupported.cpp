/// Linear layers in forms that cannot be analysed yet: pre-quantized, or all experts of a block in one tensor.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"

namespace alphahill {

namespace {

std::string pre_quantized(std::string_view scheme) {
  return fmt::format("pre-quantized weights ({}) cannot be analysed", scheme);
}

/// codes * per_code, or the codes as they are where a hostile shape makes that overflow.
std::int64_t elements(std::int64_t codes, std::int64_t per_code) {
  return checked_multiply(codes, per_code).value_or(codes);
}

/// X.weight [out, in] in codes: FP8, ModelOpt's NVFP4 with two to a byte, or numbers that are no weights at all.
std::optional<Layer> coded_weight(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  const auto name = without_ending(tensor.name, ".weight");
  if (!name || tensor.shape.size() != 2 || format_of(tensor.dtype)) return std::nullopt;
  Features features{tensor.shape.front(), tensor.shape.back()};
  if (headers.find(tensor.name + "_scale_2") != nullptr) {
    features.in = elements(features.in, 2);
    return unsupported(tensor, *name, features, pre_quantized("NVFP4"));
  }
  const bool scaled =
      headers.find(tensor.name + "_scale_inv") != nullptr || headers.find(tensor.name + "_scale") != nullptr;
  return unsupported(tensor, *name, features,
                     scaled ? pre_quantized(fmt::format("{} with a scale", tensor.dtype))
                            : fmt::format("expected F64, F32, F16 or BF16, found {}", tensor.dtype));
}

/// compressed-tensors: X.weight_packed, I32 [out, in * bits / 32] or U8 [out, in / 2] of FP4.
std::optional<Layer> compressed_tensors(const StoredTensor& tensor) {
  const auto name = without_ending(tensor.name, ".weight_packed");
  if (!name || tensor.shape.size() != 2) return std::nullopt;
  const std::int64_t in = tensor.dtype == "U8" ? elements(tensor.shape[1], 2) : tensor.shape[1];
  return unsupported(tensor, *name, {tensor.shape[0], in}, pre_quantized("compressed-tensors"));
}

/// gpt-oss: X_blocks [experts, out, in / 32, 16] of MXFP4, two to a byte, with X_scales.
std::optional<Layer> mxfp4_experts(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  const auto name = without_ending(tensor.name, "_blocks");
  if (!name || tensor.shape.size() != 4 || headers.find(std::string(*name) + "_scales") == nullptr) {
    return std::nullopt;
  }
  return unsupported(tensor, *name, {tensor.shape[1], elements(tensor.shape[2], 32)},
                     pre_quantized(fmt::format("MXFP4, {} experts in one tensor", tensor.shape[0])));
}

/// All experts of a block: [experts, in, out] in gpt-oss, Llama 4 and Qwen3-VL-MoE, [experts, out, in]
/// elsewhere.
std::optional<Layer> expert_tensor(const StoredTensor& tensor, const ModelConfig& config) {
  constexpr std::array<std::string_view, 9> kinds{
      "gate_up_proj", "gate_proj", "up_proj", "down_proj", "w1", "w2", "w3", "input_linear", "output_linear"};
  constexpr std::array<std::string_view, 3> transposed_in{"gpt_oss", "llama4", "qwen3_vl_moe"};
  const std::string_view name = without_ending(tensor.name, ".weight").value_or(tensor.name);
  const bool of_experts =
      name.find(".experts.") != std::string_view::npos || name.find("_moe.") != std::string_view::npos;
  if (tensor.shape.size() != 3 || !of_experts ||
      std::ranges::find(kinds, components_of(name).back()) == kinds.end()) {
    return std::nullopt;
  }
  const bool transposed = std::ranges::any_of(
      transposed_in, [&](std::string_view family) { return config.model_type.starts_with(family); });
  const Features features{tensor.shape[transposed ? 2 : 1], tensor.shape[transposed ? 1 : 2]};
  return unsupported(tensor, name, features,
                     fmt::format("{} experts in one tensor cannot be analysed", tensor.shape[0]));
}

}  // namespace

std::vector<Layer> Unsupported::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                     const ModelConfig& config) {
  std::optional<Layer> layer = coded_weight(tensor, headers);
  if (!layer) layer = compressed_tensors(tensor);
  if (!layer) layer = mxfp4_experts(tensor, headers);
  if (!layer) layer = expert_tensor(tensor, config);
  return layer ? std::vector{*std::move(layer)} : std::vector<Layer>{};
}

std::unique_ptr<WeightSource> Unsupported::open(LayerFiles&) const {
  throw Error(Fault::internal, "weights", reason);
}

}  // namespace alphahill
