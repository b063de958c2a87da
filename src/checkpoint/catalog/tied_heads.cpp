#include "checkpoint/catalog/tied_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/catalog/embedding_names.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/stored_layer.hpp"

namespace alphahill {

namespace {

/// A head that the model's class does not tell of, and the end of the name of the embedding that it shares.
struct OtherHead {
  std::string_view model_type;
  std::string_view head;
  std::string_view embedding;
  /// Of embeddings in a list: number i has the head of number i - first. Nothing: it is a single one.
  std::optional<std::int64_t> first;
};
constexpr std::array<OtherHead, 10> other_heads{{
    // Classes that are not named after the language model in them, which has its head.
    {"blip-2", "lm_head", "language_model.model.decoder.embed_tokens", {}},
    {"colpali", "lm_head", "embed_tokens", {}},
    {"shieldgemma2", "lm_head", "embed_tokens", {}},
    {"seamless_m4t", "lm_head", "shared", {}},
    {"seamless_m4t_v2", "lm_head", "shared", {}},
    // Heads besides that of the text: over units of speech, over entities.
    {"seamless_m4t", "t2u_model.lm_head", "t2u_model.model.decoder.embed_tokens", {}},
    {"seamless_m4t_v2", "t2u_model.lm_head", "t2u_model.model.decoder.embed_tokens", {}},
    {"luke", "entity_predictions.decoder", "entity_embeddings.entity_embeddings", {}},
    // One head a codebook, which shares the embedding of the next codebook.
    {"bark", "fine_acoustics.lm_heads", "fine_acoustics.input_embeds_layers", 1},
    // One head a cluster of the adaptive softmax.
    {"transfo-xl", "crit.out_layers", "word_emb.emb_layers", 0},
}};

/// Models that multiply by the embedding's matrix outside of a Linear module.
constexpr std::array<std::string_view, 1> without_head{"perceiver"};

/// The module that holds the one of that name; empty for one that none holds.
std::string_view parent_of(std::string_view name) {
  const auto length = static_cast<std::size_t>(kind_of(name).data() - name.data());
  return name.substr(0, length == 0 ? 0 : length - 1);
}

bool is_within(std::string_view name, std::string_view module) {
  return module.empty() || (name.starts_with(module) && name.substr(module.size()).starts_with('.'));
}

/// A tower at the top that encodes is a model of its own, without a head.
bool is_in_encoder(std::string_view name) {
  return components_of(name).front().find("encoder") != std::string_view::npos;
}

/// Embeddings of tokens that may be those of the language model, the likeliest first.
std::vector<const Layer*> those_of_tokens(const std::vector<Layer>& embeddings) {
  std::vector<const Layer*> found;
  for (const Layer& embedding : embeddings) {
    if (token_embedding_rank(embedding.name) && !is_in_encoder(embedding.name)) found.push_back(&embedding);
  }
  std::ranges::stable_sort(found, {},
                           [](const Layer* embedding) { return token_embedding_rank(embedding->name); });
  return found;
}

/// True when the file has the head of the model that the embedding belongs to: a layer that is called so or
/// has a row for each token. That of a model inside, which has an embedding of its own beside it, is another.
bool stores_head(const Layer& embedding, const std::vector<Layer>& layers,
                 const std::vector<const Layer*>& tokens) {
  return std::ranges::any_of(layers, [&](const Layer& layer) {
    if (layer.out_features != embedding.out_features && !is_whole_head(layer.name)) return false;
    if (!block_path(layer.name).numbers.empty() || layer.predicts_further_tokens) return false;
    const std::string_view model = parent_of(layer.name);
    return is_within(embedding.name, model) ||
           std::ranges::none_of(tokens, [&](const Layer* other) { return is_within(other->name, model); });
  });
}

/// True where the bias of a head is stored and its weight is not: "cls.predictions.bias".
bool has_bias_of_shared_head(const CheckpointHeaders& headers, const std::vector<const Layer*>& tokens) {
  return std::ranges::any_of(headers.tensors, [&](const StoredTensor& tensor) {
    if (tensor.name == "final_logits_bias") return true;
    const auto module = without_ending(tensor.name, ".bias");
    if (!module || tensor.shape.size() != 1 || headers.find(std::string(*module) + ".weight") != nullptr) {
      return false;
    }
    const bool named_so = module->ends_with("lm_head") || module->ends_with("predictions") ||
                          module->ends_with("predictions.decoder") || module->ends_with("lm_head.decoder");
    return named_so && std::ranges::any_of(tokens, [&](const Layer* embedding) {
             return embedding->out_features == tensor.shape[0];
           });
  });
}

Layer head_of(const Layer& embedding, std::string_view name) {
  Layer head = embedding;
  head.name = name;
  return head;
}

/// The name of the head that shares the embedding, empty where none does.
std::string name_of_head(const OtherHead& head, std::string_view embedding) {
  if (!head.first) return embedding.ends_with(head.embedding) ? std::string(head.head) : "";
  const std::string_view number = components_of(embedding).back();
  const std::string_view list = embedding.substr(0, embedding.size() - number.size());
  if (!is_number(number) || !list.ends_with(fmt::format("{}.", head.embedding))) return "";
  std::int64_t i = 0;
  const bool fits = std::from_chars(number.data(), number.data() + number.size(), i).ec == std::errc();
  return fits && i >= *head.first ? fmt::format("{}.{}", head.head, i - *head.first) : "";
}

/// The heads of the table. One that the file lacks is shared, whatever config.json says, if the module that
/// holds it is there.
std::vector<Layer> heads_of_table(const std::vector<Layer>& layers, const std::vector<Layer>& embeddings,
                                  const std::vector<const Layer*>& tokens, const CheckpointHeaders& headers,
                                  const ModelConfig& config) {
  std::vector<Layer> heads;
  const auto has = [](const std::vector<Layer>& some, std::string_view name) {
    return std::ranges::find(some, name, &Layer::name) != some.end();
  };
  for (const OtherHead& other : other_heads) {
    const std::string module = fmt::format("{}.", components_of(other.head).front());
    if (other.model_type != config.model_type || (other.head != "lm_head" && !headers.has_prefix(module))) {
      continue;
    }
    for (const Layer& embedding : embeddings) {
      const std::string name = name_of_head(other, embedding.name);
      if (name.empty() || has(layers, name) || has(heads, name)) continue;
      if (name == "lm_head" && stores_head(embedding, layers, tokens)) continue;
      heads.push_back(head_of(embedding, name));
    }
  }
  return heads;
}

}  // namespace

std::vector<Layer> find_tied_heads(const std::vector<Layer>& layers, const std::vector<Layer>& embeddings,
                                   const CheckpointHeaders& headers, const ModelConfig& config) {
  const std::vector<const Layer*> tokens = those_of_tokens(embeddings);
  std::vector<Layer> heads = heads_of_table(layers, embeddings, tokens, headers, config);
  const bool has_one = std::ranges::find(heads, "lm_head", &Layer::name) != heads.end() ||
                       std::ranges::find(without_head, config.model_type) != without_head.end();
  if (has_one || !config.ties_head() || !(config.has_head() || has_bias_of_shared_head(headers, tokens))) {
    return heads;
  }
  const auto main = std::ranges::find_if(
      tokens, [&](const Layer* embedding) { return !stores_head(*embedding, layers, tokens); });
  if (main != tokens.end()) heads.push_back(head_of(**main, "lm_head"));
  return heads;
}

}  // namespace alphahill
