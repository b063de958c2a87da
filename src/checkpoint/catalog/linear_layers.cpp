#include "checkpoint/catalog/linear_layers.hpp"

#include <iterator>
#include <utility>

#include "alphahill/checkpoint/category.hpp"
#include "checkpoint/catalog/embedding_names.hpp"
#include "checkpoint/catalog/multi_token_prediction.hpp"
#include "checkpoint/catalog/tied_heads.hpp"

namespace alphahill {

std::vector<Layer> find_linear_layers(const CheckpointHeaders& headers, const ModelConfig& config) {
  std::vector<Layer> layers;
  std::vector<Layer> embeddings;
  for (const StoredTensor& tensor : headers.tensors) {
    for (Layer& layer : layers_of(tensor, headers, config)) {
      if (is_norm(layer.name)) continue;
      layer.predicts_further_tokens = predicts_further_tokens(layer.name, headers, config);
      const bool embeds = is_embedding(layer.name, headers, config);
      if (embeds && layer.predicts_further_tokens) continue;  // a copy, which no head shares
      (embeds ? embeddings : layers).push_back(std::move(layer));
    }
  }
  std::vector<Layer> heads = find_tied_heads(layers, embeddings, headers, config);
  layers.insert(layers.end(), std::move_iterator(heads.begin()), std::move_iterator(heads.end()));
  for (Layer& layer : layers) layer.category = category_of(layer.name);
  return layers;
}

}  // namespace alphahill
