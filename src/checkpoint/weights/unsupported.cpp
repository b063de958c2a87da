/// Linear layers in forms that cannot be analysed: pre-quantized, parametrized, or experts in a layout that
/// is not known.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/catalog/tensor_roles.hpp"

namespace alphahill {

namespace {

/// codes * per_code, or the codes as they are where a hostile shape makes that overflow.
std::int64_t elements(std::int64_t codes, std::int64_t per_code) {
  return checked_multiply(codes, per_code).value_or(codes);
}

/// X.weight, or MultiheadAttention's X.in_proj_weight.
std::optional<std::string_view> name_of_codes(const StoredTensor& tensor) {
  const auto fused = without_ending(tensor.name, "_weight");
  if (fused && kind_of(*fused) == "in_proj") return fused;
  return without_ending(tensor.name, ".weight");
}

/// X.weight [out, in] in codes: FP8, ModelOpt's NVFP4 with two to a byte or its integers of two rows to a byte, or
/// numbers that are no weights at all.
std::optional<Layer> coded_weight(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                  const ModelConfig& config) {
  const auto name = name_of_codes(tensor);
  if (!name || tensor.shape.size() != 2 || format_of(tensor.dtype)) return std::nullopt;
  Features features{tensor.shape.front(), tensor.shape.back()};
  if (tensor.dtype == "U8" && headers.find(std::string(*name) + ".pre_quant_scale") != nullptr) {
    features.out = elements(features.out, 2);
    return unsupported_layer(tensor, *name, features, pre_quantized("int4 AWQ of ModelOpt"));
  }
  if (headers.find(tensor.name + "_scale_2") != nullptr) {
    features.in = elements(features.in, 2);
    return unsupported_layer(tensor, *name, features, pre_quantized("NVFP4"));
  }
  const bool scaled =
      headers.find(tensor.name + "_scale_inv") != nullptr || headers.find(tensor.name + "_scale") != nullptr;
  const std::string method = config.quantization_method.empty() ? "" : config.quantization_method + ", ";
  return unsupported_layer(tensor, *name, features,
                           scaled ? pre_quantized(fmt::format("{}{} with a scale", method, tensor.dtype))
                                  : fmt::format("expected F64, F32, F16 or BF16, found {}", tensor.dtype));
}

/// compressed-tensors: X.weight_packed, I32 [out, in * bits / 32] or U8 [out, in / 2] of FP4.
std::optional<Layer> compressed_tensors(const StoredTensor& tensor) {
  const auto name = without_ending(tensor.name, ".weight_packed");
  if (!name || tensor.shape.size() != 2) return std::nullopt;
  const std::int64_t in = tensor.dtype == "U8" ? elements(tensor.shape[1], 2) : tensor.shape[1];
  return unsupported_layer(tensor, *name, {tensor.shape[0], in}, pre_quantized("compressed-tensors"));
}

/// A matrix from which torch computes the weight, by spectral norm or a mask for instance.
std::optional<Layer> parametrized(const StoredTensor& tensor) {
  auto name = without_ending(tensor.name, ".parametrizations.weight.original");
  if (!name) name = without_ending(tensor.name, ".weight_orig");
  if (!name || tensor.shape.size() != 2) return std::nullopt;
  return unsupported_layer(tensor, *name, {tensor.shape[0], tensor.shape[1]},
                           "the weight is computed from this tensor in a way that is not known");
}

/// Experts in a layout that is not known, or in codes.
std::optional<Layer> expert_tensor(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                   const ModelConfig& config) {
  const std::string_view name = without_ending(tensor.name, ".weight").value_or(tensor.name);
  const auto experts = find_expert_tensor(name, tensor.shape, OutputAxis::either, headers, config);
  if (!experts) return std::nullopt;
  Features features{tensor.shape.end()[-2], tensor.shape.end()[-1]};
  if (experts->transposed) std::swap(features.out, features.in);
  const std::string what = fmt::format("experts in one tensor, [{}]", fmt::join(tensor.shape, ", "));
  return unsupported_layer(tensor, name, features,
                           experts->unknown.empty() ? pre_quantized(fmt::format("{}, {}", tensor.dtype, what))
                                                    : fmt::format("{}: {}", what, experts->unknown));
}

/// True for codes of a module that has no weight under a name that is known, and no larger tensor of codes.
bool holds_codes(const StoredTensor& tensor, std::string_view module, const CheckpointHeaders& headers) {
  const std::string prefix = std::string(module) + '.';
  auto other = std::ranges::lower_bound(headers.tensors, prefix, {}, &StoredTensor::name);
  for (; other != headers.tensors.end() && other->name.starts_with(prefix); ++other) {
    const std::string_view part = std::string_view(other->name).substr(prefix.size());
    const bool goes_first =
        other->bytes > tensor.bytes || (other->bytes == tensor.bytes && other->name < tensor.name);
    if (part.starts_with("weight") || (goes_first && part.find('.') == std::string_view::npos)) return false;
  }
  return true;
}

/// X.any in integers or bytes, where config.json says that weights are quantized.
std::optional<Layer> unknown_codes(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                   const ModelConfig& config) {
  const std::size_t dot = tensor.name.rfind('.');
  const bool may_be_codes = !config.quantization_method.empty() && tensor.shape.size() == 2 &&
                            !format_of(tensor.dtype) && role_by_name(tensor) == TensorRole::unknown;
  if (!may_be_codes || dot == std::string::npos || dot == 0) return std::nullopt;
  const std::string_view module = std::string_view(tensor.name).substr(0, dot);
  if (!holds_codes(tensor, module, headers)) return std::nullopt;
  return unsupported_layer(tensor, module, {tensor.shape[0], tensor.shape[1]},
                           pre_quantized(fmt::format("{}, {} called {}", config.quantization_method,
                                                     tensor.dtype, tensor.name.substr(dot + 1))));
}

}  // namespace

std::vector<Layer> Unsupported::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                     const ModelConfig& config) {
  std::optional<Layer> layer = coded_weight(tensor, headers, config);
  if (!layer) layer = compressed_tensors(tensor);
  if (!layer) layer = parametrized(tensor);
  if (!layer) layer = expert_tensor(tensor, headers, config);
  if (!layer) layer = unknown_codes(tensor, headers, config);
  return layer ? std::vector{*std::move(layer)} : std::vector<Layer>{};
}

std::unique_ptr<WeightSource> Unsupported::open(LayerFiles&) const {
  throw Error(Fault::internal, "weights", reason);
}

}  // namespace alphahill
