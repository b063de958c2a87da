#include "checkpoint/catalog/linear_layers.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "alphahill/checkpoint/category.hpp"
#include "checkpoint/catalog/embedding_names.hpp"
#include "checkpoint/catalog/multi_token_prediction.hpp"
#include "checkpoint/catalog/tied_heads.hpp"
#include "checkpoint/catalog/unapplied_weights.hpp"

namespace alphahill {

namespace {

TensorRole role_of(const Layer& layer, const CheckpointHeaders& headers, const ModelConfig& config) {
  if (is_norm(layer.name)) return TensorRole::norm;
  if (is_embedding(layer.name, headers, config)) return TensorRole::embedding;
  return layer.predicts_further_tokens ? TensorRole::layer_of_further_tokens : TensorRole::layer;
}

/// What lies beside codes that are not read is theirs, where nothing else is known of it.
void mark_parts_of_unsupported(const std::vector<Layer>& layers, const CheckpointHeaders& headers,
                               std::vector<TensorRole>& roles) {
  for (const Layer& layer : layers) {
    if (layer.unsupported() == nullptr) continue;
    const std::string module = layer.name + '.';
    const auto first = std::ranges::lower_bound(headers.tensors, module, {}, &StoredTensor::name);
    for (auto part = first; part != headers.tensors.end() && part->name.starts_with(module); ++part) {
      TensorRole& role = roles[static_cast<std::size_t>(part - headers.tensors.begin())];
      const bool is_own = part->name.find('.', module.size()) == std::string::npos ||
                          part->name.compare(module.size(), 7, "weight.") == 0;
      if (is_own && role == TensorRole::unknown) role = TensorRole::part_of_layer;
    }
  }
}

}  // namespace

FoundLayers find_linear_layers(const CheckpointHeaders& headers, const ModelConfig& config) {
  FoundLayers found;
  std::vector<Layer> embeddings;
  for (const StoredTensor& tensor : headers.tensors) {
    TensorRole& role = found.roles.emplace_back(role_by_name(tensor));
    if (role == TensorRole::adapter) continue;
    for (Layer& layer : layers_of(tensor, headers, config)) {
      layer.predicts_further_tokens = predicts_further_tokens(layer.name, headers, config);
      role = role_of(layer, headers, config);
      if (role == TensorRole::norm) continue;
      found.weights += static_cast<double>(layer.numel());
      const bool embeds = role == TensorRole::embedding;
      if (embeds && layer.predicts_further_tokens) continue;  // a copy, which no head shares
      (embeds ? embeddings : found.layers).push_back(std::move(layer));
    }
  }
  RolesByLayers roles(headers, found.roles);
  roles.mark_parts(found.layers, TensorRole::part_of_layer);
  roles.mark_parts(embeddings, TensorRole::part_of_embedding);
  mark_parts_of_unsupported(found.layers, headers, found.roles);
  std::vector<Layer> heads = find_tied_heads(found.layers, embeddings, headers, config);
  roles.mark_shared(heads);
  found.layers.insert(found.layers.end(), std::move_iterator(heads.begin()), std::move_iterator(heads.end()));
  for (Layer& layer : found.layers) layer.category = category_of(layer.name);
  return found;
}

}  // namespace alphahill
