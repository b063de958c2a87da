#include "alphahill/checkpoint/fused_partners.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

/// The last parts of the names of projections that are fused, of attention the query first: what vLLM packs into one
/// module, in the names of the models that are known here.
const std::vector<std::vector<std::string_view>> fused_projections{
    {"q_proj", "k_proj", "v_proj"},
    {"query", "key", "value"},
    {"query_proj", "key_proj", "value_proj"},
    {"q_lin", "k_lin", "v_lin"},
    {"q", "k", "v"},
    {"wq", "wk", "wv"},
    {"q_a_proj", "kv_a_proj_with_mqa"},
    {"gate_proj", "up_proj"},
    {"w1", "w3"},
    {"wi_0", "wi_1"},
};

/// What is fused: a module, and which of its projections.
using FusedMatrix = std::pair<std::string_view, std::size_t>;

std::optional<FusedMatrix> fused_matrix_of(const Layer& layer) {
  const std::string_view name = layer.name;
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || layer.unsupported() != nullptr) return std::nullopt;
  const std::string_view projection = name.substr(dot + 1);
  const auto found = std::ranges::find_if(fused_projections, [&](const auto& projections) {
    return std::ranges::find(projections, projection) != projections.end();
  });
  if (found == fused_projections.end()) return std::nullopt;
  const bool has_query = found->size() == 3;
  if (has_query && projection == found->front() && is_in_cross_attention(name)) return std::nullopt;
  return FusedMatrix{name.substr(0, dot), static_cast<std::size_t>(found - fused_projections.begin())};
}

}  // namespace

std::vector<std::vector<std::size_t>> fused_partners(std::span<const Layer> layers) {
  std::map<FusedMatrix, std::vector<std::size_t>> parts;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (const auto matrix = fused_matrix_of(layers[i])) parts[*matrix].push_back(i);
  }
  std::vector<std::vector<std::size_t>> partners(layers.size());
  for (const auto& [matrix, members] : parts) {
    for (const std::size_t layer : members) {
      std::ranges::copy_if(members, std::back_inserter(partners[layer]), [&](std::size_t other) {
        return other != layer && layers[other].in_features == layers[layer].in_features;
      });
    }
  }
  return partners;
}

void keep_fused_partners(Catalog& catalog) {
  const std::vector<std::vector<std::size_t>> partners = fused_partners(catalog.layers);
  std::vector<std::vector<Layer>> kept(partners.size());
  for (std::size_t i = 0; i < partners.size(); ++i) {
    for (const std::size_t partner : partners[i]) kept[i].push_back(catalog.layers[partner]);
  }
  for (std::size_t i = 0; i < kept.size(); ++i) catalog.layers[i].fused_with = std::move(kept[i]);
}

}  // namespace alphahill
