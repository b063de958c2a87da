#include "checkpoint/catalog/linear_layers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "alphahill/checkpoint/category.hpp"
#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

/// Embeddings of tokens, whose matrix a tied head shares.
constexpr std::array<std::string_view, 8> token_embeddings{"embed_tokens",   "wte",       "word_embeddings",
                                                           "shared",         "embed_in",  "tokens_embed",
                                                           "tok_embeddings", "embeddings"};
constexpr std::array<std::string_view, 7> other_embeddings{"wpe",
                                                           "embed",
                                                           "embedding",
                                                           "embed_positions",
                                                           "positions_embed",
                                                           "pos_embed",
                                                           "relative_attention_bias"};

bool has(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_embedding(std::string_view name) {
  const std::string_view kind = kind_of(name);
  return has(token_embeddings, kind) || has(other_embeddings, kind) || kind.starts_with("embed_tokens_") ||
         kind.ends_with("_embedding") || kind.ends_with("_embeddings");
}

/// DeepSeek's blocks for multi-token prediction: in the file behind the last block, not in the model.
bool is_behind_last_block(std::string_view name, const ModelConfig& config) {
  const BlockPath path = block_path(name);
  const bool predicts_further =
      config.num_nextn_predict_layers.value_or(0) > 0 || config.text_model_type.starts_with("deepseek");
  if (!predicts_further || !path.stack.ends_with("layers")) return false;
  const std::string_view number = path.numbers.front();
  std::int64_t block = 0;
  const bool fits = std::from_chars(number.data(), number.data() + number.size(), block).ec == std::errc();
  return !fits || block >= config.num_hidden_layers.value_or(std::numeric_limits<std::int64_t>::max());
}

/// The head that shares the matrix of the token embedding.
std::optional<Layer> tied_head(const std::vector<Layer>& embeddings) {
  for (const std::string_view kind : token_embeddings) {
    const auto found =
        std::ranges::find(embeddings, kind, [](const Layer& layer) { return kind_of(layer.name); });
    if (found == embeddings.end()) continue;
    Layer head = *found;
    head.name = "lm_head";
    return head;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Layer> find_linear_layers(const CheckpointHeaders& headers, const ModelConfig& config) {
  std::vector<Layer> layers;
  std::vector<Layer> embeddings;
  for (const StoredTensor& tensor : headers.tensors) {
    for (Layer& layer : layers_of(tensor, headers, config)) {
      if (is_behind_last_block(layer.name, config)) continue;
      (is_embedding(layer.name) ? embeddings : layers).push_back(std::move(layer));
    }
  }
  const bool stores_head = std::ranges::any_of(layers, is_head, &Layer::name);
  if (config.has_head() && config.ties_head() && !stores_head) {
    if (std::optional<Layer> head = tied_head(embeddings)) layers.push_back(*std::move(head));
  }
  for (Layer& layer : layers) layer.category = category_of(layer.name);
  return layers;
}

}  // namespace alphahill
