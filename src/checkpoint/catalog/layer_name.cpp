#include "checkpoint/catalog/layer_name.hpp"

#include <algorithm>
#include <array>

namespace alphahill {

namespace {

bool counts_blocks(std::string_view component) {
  constexpr std::array<std::string_view, 4> endings{"layer", "layers", "block", "blocks"};
  return component == "h" ||
         std::ranges::any_of(endings, [&](std::string_view ending) { return component.ends_with(ending); });
}

bool names_head(std::string_view component) {
  constexpr std::array<std::string_view, 8> heads{"lm_head",           "lm_heads",       "embed_out",
                                                  "generator_lm_head", "mlm_head",       "lm_loss",
                                                  "output_projection", "vocab_projector"};
  return std::ranges::find(heads, component) != heads.end();
}

}  // namespace

std::vector<std::string_view> components_of(std::string_view name) {
  std::vector<std::string_view> components;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    components.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  components.push_back(name);
  return components;
}

bool is_number(std::string_view component) {
  return !component.empty() &&
         std::ranges::all_of(component, [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool is_head(std::string_view name) {
  return name == "output" || name.ends_with("predictions.decoder") ||
         std::ranges::any_of(components_of(name), names_head);
}

bool is_whole_head(std::string_view name) {
  return name == "output" || names_head(kind_of(name));
}

bool is_in_cross_attention(std::string_view name) {
  constexpr std::array<std::string_view, 3> words{"cross", "encoder_attn", "EncDecAttention"};
  return std::ranges::any_of(
      words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

BlockPath block_path(std::string_view name) {
  BlockPath path;
  const std::vector<std::string_view> components = components_of(name);
  for (std::size_t i = 0; i + 1 < components.size(); ++i) {
    if (!counts_blocks(components[i]) || !is_number(components[i + 1])) continue;
    if (path.numbers.empty()) path.stack = {name.data(), components[i].data() + components[i].size()};
    path.numbers.push_back(components[i + 1]);
  }
  return path;
}

std::string_view kind_of(std::string_view name) {
  std::vector<std::string_view> components = components_of(name);
  while (components.size() > 1 && is_number(components.back())) components.pop_back();
  return components.back();
}

}  // namespace alphahill
