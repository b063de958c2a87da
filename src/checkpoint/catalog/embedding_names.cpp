#include "checkpoint/catalog/embedding_names.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

/// Words that end the name of an embedding: "position_embeddings", "mask_tokens", "row_embedder".
constexpr std::array<std::string_view, 13> nouns{"embed",  "embeds",   "emb",      "embedding", "embeddings",
                                                 "wte",    "wpe",      "shared",   "codebook",  "token",
                                                 "tokens", "embedder", "embedders"};
/// Words that may follow: "input_embeds_layer", "visual_embeddings_table".
constexpr std::array<std::string_view, 3> containers{"layer", "layers", "table"};
/// Words that end the name of a projection: "embed_proj", "embed_out".
constexpr std::array<std::string_view, 10> projections{
    "out", "proj", "projs", "projection", "projections", "projector", "linear", "dense", "fc", "head"};
/// What is no row of a table and therefore projected: "timestep_embedder", "x_embedder" of an image's patches.
constexpr std::array<std::string_view, 11> continuous{"patch", "t",     "time",  "timestep", "timesteps", "x",
                                                      "image", "sigma", "noise", "guidance", "context"};
/// Names without such a word: biases of attention by distance, and what the queries of detectors begin with.
constexpr std::array<std::string_view, 6> other_embeddings{
    "relative_attention_bias", "bias_values", "pe_k", "queries_features", "query_feat", "reference_points"};
constexpr std::array<std::string_view, 13> token_embeddings{"embed_tokens",
                                                            "wte",
                                                            "word_embeddings",
                                                            "shared",
                                                            "embed_in",
                                                            "tokens_embed",
                                                            "tok_embeddings",
                                                            "embeddings",
                                                            "word_embedding",
                                                            "input_embedding",
                                                            "token_embedding",
                                                            "tok_emb",
                                                            "w"};

/// Names from which nothing can be told, by model_type.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> embeddings_of_models{{
    {"ctrl", "w"},  // as the module of its token embedding is called
    // Graphormer looks up atoms, edges, distances and degrees, each in a table called its encoder.
    {"graphormer", "atom_encoder"},
    {"graphormer", "in_degree_encoder"},
    {"graphormer", "out_degree_encoder"},
    {"graphormer", "edge_encoder"},
    {"graphormer", "edge_dis_encoder"},
    {"graphormer", "spatial_pos_encoder"},
    {"graphormer", "graph_token_virtual_distance"},
}};

bool has(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool in_table(std::string_view kind, const ModelConfig& config) {
  return std::ranges::find(embeddings_of_models, std::pair{std::string_view(config.model_type), kind}) !=
         embeddings_of_models.end();
}

/// The words between underscores in lower case, without numbers at the end.
std::vector<std::string> words_of(std::string_view kind) {
  std::vector<std::string> words(1);
  const std::string lower = in_lower_case(kind);
  for (const char letter : lower) {
    if (letter == '_') {
      words.emplace_back();
    } else {
      words.back() += letter;
    }
  }
  while (words.size() > 1 && is_number(words.back())) words.pop_back();
  return words;
}

/// Patches are vectors, which are projected; only their positions are looked up.
bool is_of_vectors(std::string_view kind, const std::vector<std::string>& words) {
  const bool named_so =
      words.front() == "patch" || (words.back().starts_with("embedder") && has(continuous, words.front()));
  return named_so && kind.find("pos") == std::string_view::npos;
}

bool has_noun_of_embedding(std::string_view kind) {
  std::vector<std::string> words = words_of(kind);
  if (is_of_vectors(kind, words)) return false;
  if (words.size() > 1 && has(containers, words.back())) words.pop_back();
  const bool begins_so = words.size() > 1 && words.front() == "embed" && !has(projections, words.back());
  return begins_so || has(nouns, words.back()) || words.back().ends_with("embedder");
}

}  // namespace

bool names_embedding(std::string_view name) {
  const std::string_view kind = kind_of(name);
  // All blocks of a model share an embedding of tokens; what one of them calls so is a layer of its MLP.
  if (kind == "shared" && !block_path(name).numbers.empty()) return false;
  return has_noun_of_embedding(kind) || has(other_embeddings, kind);
}

bool is_embedding(std::string_view name, const CheckpointHeaders& headers, const ModelConfig& config) {
  const bool named_so = names_embedding(name) || in_table(kind_of(name), config);
  return named_so && headers.find(std::string(name) + ".bias") == nullptr;
}

std::optional<std::ptrdiff_t> token_embedding_rank(std::string_view name) {
  const auto found = std::ranges::find(token_embeddings, kind_of(name));
  if (found == token_embeddings.end()) return std::nullopt;
  return found - token_embeddings.begin();
}

bool is_norm(std::string_view name) {
  std::string last = words_of(kind_of(name)).back();
  last.erase(std::find_if_not(last.rbegin(), last.rend(), [](char l) { return l >= '0' && l <= '9'; }).base(),
             last.end());
  return last.ends_with("norm");
}

}  // namespace alphahill
