#include "checkpoint/catalog/layer_order.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

/// Where a layer stands in the model; places compare member by member.
struct Place {
  enum class Region { blocks, outside, head } region;
  enum class Tower { senses, encoder, decoder } tower;
  std::string stack;
  std::string block;  ///< the numbers of the block and of what is nested in it
  enum class Section { attention, cross_attention, mlp, experts, shared_experts, rest } section;
  std::string expert;  ///< its number
  std::ptrdiff_t role;
  std::string name;

  auto operator<=>(const Place&) const = default;
};

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// The text with its numbers filled up with zeros, so that it compares as people count.
std::string with_padded_numbers(std::string_view text) {
  constexpr std::size_t digits = 20;
  std::string padded;
  for (auto at = text.begin(); at != text.end();) {
    const auto end = std::find_if_not(at, text.end(), is_digit);
    const auto count = static_cast<std::size_t>(end - at);
    if (count > 0 && count < digits) padded.append(digits - count, '0');
    padded.append(at, end);
    at = std::find_if(end, text.end(), is_digit);
    padded.append(end, at);
  }
  return padded;
}

bool has_any(std::string_view name, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

/// Roles within a section in the order of their work; fused projections stand where their parts would.
constexpr std::array<std::string_view, 10> roles{"attn_q", "attn_qkv",       "attn_k",   "attn_v",
                                                 "attn_o", "router_or_gate", "mlp_gate", "mlp_gate_up",
                                                 "mlp_up", "mlp_down"};

std::ptrdiff_t role_of(std::string_view category) {
  return std::ranges::find(roles, category) - roles.begin();
}

Place::Region region_of(std::string_view name, const BlockPath& path) {
  if (!path.numbers.empty()) return Place::Region::blocks;
  return is_head(name) ? Place::Region::head : Place::Region::outside;
}

Place::Tower tower_of(std::string_view stack) {
  if (has_any(stack, {"vision", "visual", "image", "audio"})) return Place::Tower::senses;
  return has_any(stack, {"encoder"}) ? Place::Tower::encoder : Place::Tower::decoder;
}

Place::Section section_of(std::string_view name, std::string_view category) {
  using Section = Place::Section;
  if (has_any(name, {"shared_expert"})) return Section::shared_experts;
  if (has_any(name, {"attention.experts."})) return Section::attention;
  if (has_any(name, {"expert"})) return Section::experts;
  if (category.starts_with("attn_")) {
    return is_in_cross_attention(name) ? Section::cross_attention : Section::attention;
  }
  return category == "other_linear" ? Section::rest : Section::mlp;
}

/// What tells an expert from its neighbours: "12" or "expert_12" behind the last "experts"; nothing for what is
/// not one expert's.
std::string_view expert_of(std::string_view name) {
  const std::vector<std::string_view> components = components_of(name);
  const auto word = std::find(components.rbegin(), components.rend(), "experts");
  if (word - components.rbegin() < 2 || word == components.rend()) return {};
  const std::string_view expert = *std::prev(word);
  return std::ranges::any_of(expert, is_digit) ? expert : std::string_view{};
}

Place place_of(const Layer& layer) {
  const BlockPath path = block_path(layer.name);
  std::string block;
  for (const std::string_view number : path.numbers) block += with_padded_numbers(number);
  return {.region = region_of(layer.name, path),
          .tower = tower_of(path.stack),
          .stack = std::string(path.stack),
          .block = block,
          .section = section_of(layer.name, layer.category),
          .expert = with_padded_numbers(expert_of(layer.name)),
          .role = role_of(layer.category),
          .name = with_padded_numbers(layer.name)};
}

}  // namespace

void sort_in_model_order(std::vector<Layer>& layers) {
  std::vector<std::pair<Place, Layer*>> placed;
  placed.reserve(layers.size());
  for (Layer& layer : layers) placed.emplace_back(place_of(layer), &layer);
  std::ranges::sort(placed, {}, [](const auto& item) { return std::tie(item.first, item.second->name); });
  std::vector<Layer> sorted;
  sorted.reserve(layers.size());
  for (const auto& [place, layer] : placed) sorted.push_back(std::move(*layer));
  layers = std::move(sorted);
}

}  // namespace alphahill
