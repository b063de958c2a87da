#include "checkpoint/catalog/tensor_roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/embedding_names.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/catalog/unapplied_weights.hpp"

namespace alphahill {

namespace {

bool contains_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// Of a module, its weight or a part of that, as weight norms have them.
bool names_weight(std::string_view name) {
  return name.ends_with(".weight") ||
         std::ranges::any_of(weight_norm_endings, [&](const WeightNormEndings& endings) {
           return name.ends_with(endings.directions) || name.ends_with(endings.lengths);
         });
}

/// A weight of three dimensions may also be a matrix of each expert or head: those of convolutions say so, or have
/// a short kernel.
bool is_convolution(const StoredTensor& tensor) {
  constexpr std::int64_t short_kernel = 16;
  if (!names_weight(tensor.name) || tensor.shape.size() < 3) return false;
  return tensor.shape.size() > 3 || tensor.shape.back() <= short_kernel ||
         in_lower_case(tensor.name).find("conv") != std::string::npos;
}

/// What a tensor not called X.weight is by the words of its name.
TensorRole role_by_words(std::string_view name) {
  constexpr std::array<std::string_view, 1> of_biases{"bias"};
  constexpr std::array<std::string_view, 6> of_scales{"scale",  "zero",      "amax",
                                                      "absmax", "quant_map", "quant_state"};
  const std::string kind = in_lower_case(kind_of(name));
  if (contains_any(kind, of_biases)) return TensorRole::bias;
  if (contains_any(kind, of_scales)) return TensorRole::scale;
  return TensorRole::unknown;
}

bool is_by_name_only(TensorRole role) {
  constexpr std::array<TensorRole, 6> found{
      TensorRole::layer,     TensorRole::layer_of_further_tokens, TensorRole::part_of_layer,
      TensorRole::embedding, TensorRole::embedding_and_head,      TensorRole::part_of_embedding};
  return std::ranges::find(found, role) == found.end();
}

double values_of(const StoredTensor& tensor) {
  double values = 1;
  for (const std::int64_t count : tensor.shape) values *= static_cast<double>(count);
  return values;
}

}  // namespace

std::string_view name_of(TensorRole role) {
  constexpr std::array<std::string_view, 14> names{"not known",
                                                   "layer",
                                                   "layer of multi-token prediction",
                                                   "part of a layer",
                                                   "embedding",
                                                   "embedding, and the head",
                                                   "part of an embedding",
                                                   "norm",
                                                   "convolution",
                                                   "bias",
                                                   "scale",
                                                   "indices",
                                                   "adapter",
                                                   "vector"};
  return names.at(static_cast<std::size_t>(role));
}

TensorRole role_by_name(const StoredTensor& tensor) {
  const std::string_view name = without_ending(tensor.name, ".weight").value_or(tensor.name);
  const bool is_weight = name.size() < tensor.name.size();
  if (is_adapter(tensor.name)) return TensorRole::adapter;
  const TensorRole by_words = is_weight ? TensorRole::unknown : role_by_words(name);
  if (by_words != TensorRole::unknown) return by_words;
  if (is_norm(name)) return TensorRole::norm;
  if (tensor.shape.size() < 2) return is_weight ? TensorRole::norm : TensorRole::vector;
  if (tensor.dtype == "I64" || tensor.dtype == "BOOL") return TensorRole::indices;
  if (names_embedding(name)) return TensorRole::embedding;
  return is_convolution(tensor) ? TensorRole::convolution : TensorRole::unknown;
}

RolesByLayers::RolesByLayers(const CheckpointHeaders& headers, std::vector<TensorRole>& roles)
    : roles_(roles) {
  for (std::size_t i = 0; i < headers.tensors.size(); ++i) {
    const StoredTensor& tensor = headers.tensors[i];
    if (tensor.bytes > 0) places_.emplace_back(tensor.file, tensor.offset, i);
  }
  std::ranges::sort(places_);
}

template <class Is>
void RolesByLayers::mark(const std::vector<Layer>& layers, Is is_of_role, TensorRole role) {
  const auto mark_tensor_of = [&](const TensorSlice& slice) {
    if (places_.empty() || slice.rows * slice.cols == 0) return;
    constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
    const auto behind = std::ranges::upper_bound(places_, std::tuple(slice.file, slice.offset, any));
    TensorRole& before = roles_[std::get<2>(*std::prev(behind))];
    if (is_of_role(before)) before = role;
  };
  for (const Layer& layer : layers) for_each_slice(layer.layout, mark_tensor_of);
}

void RolesByLayers::mark_parts(const std::vector<Layer>& layers, TensorRole role) {
  mark(layers, is_by_name_only, role);
}

void RolesByLayers::mark_shared(const std::vector<Layer>& heads) {
  const auto is_embedding = [](TensorRole role) { return role == TensorRole::embedding; };
  mark(heads, is_embedding, TensorRole::embedding_and_head);
}

OtherTensors other_tensors(const CheckpointHeaders& headers, const std::vector<TensorRole>& roles,
                           double layer_weights) {
  OtherTensors others;
  double all = layer_weights, unknown = 0, most = -1;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const StoredTensor& tensor = headers.tensors[i];
    const double values = values_of(tensor);
    if (is_by_name_only(roles[i])) all += values;
    if (roles[i] != TensorRole::unknown) continue;
    ++others.count;
    unknown += values;
    if (values <= most) continue;
    most = values;
    others.largest = fmt::format("{} [{}]", printable(tensor.name), fmt::join(tensor.shape, ", "));
  }
  others.share = all > 0 ? unknown / all : 0;
  return others;
}

}  // namespace alphahill
