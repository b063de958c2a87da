/// Linear layers in forms that cannot be analysed: pre-quantized, parametrized, or experts in a layout that
/// is not known.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
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

/// X.weight [out, in] in codes: FP8, ModelOpt's NVFP4 with two to a byte or its integers of two rows to a byte, or
/// numbers that are no weights at all.
std::optional<Layer> coded_weight(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  const auto name = without_ending(tensor.name, ".weight");
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
  return unsupported_layer(tensor, *name, features,
                           scaled ? pre_quantized(fmt::format("{} with a scale", tensor.dtype))
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

/// VPTQ: X.indices of the vectors X.centroids.weight.
std::optional<Layer> chosen_vectors(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  const auto name = without_ending(tensor.name, ".centroids.weight");
  if (!name || tensor.shape.size() != 2) return std::nullopt;
  if (headers.find(std::string(*name) + ".indices") == nullptr) return std::nullopt;
  return unsupported_layer(tensor, *name, {tensor.shape[0], tensor.shape[1]}, pre_quantized("VPTQ"));
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

}  // namespace

std::vector<Layer> Unsupported::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                     const ModelConfig& config) {
  std::optional<Layer> layer = coded_weight(tensor, headers);
  if (!layer) layer = compressed_tensors(tensor);
  if (!layer) layer = parametrized(tensor);
  if (!layer) layer = chosen_vectors(tensor, headers);
  if (!layer) layer = expert_tensor(tensor, headers, config);
  return layer ? std::vector{*std::move(layer)} : std::vector<Layer>{};
}

std::unique_ptr<WeightSource> Unsupported::open(LayerFiles&) const {
  throw Error(Fault::internal, "weights", reason);
}

}  // namespace alphahill
