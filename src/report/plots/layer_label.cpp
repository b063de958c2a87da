#include "report/plots/layer_label.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string.hpp>
#include <map>
#include <set>
#include <utility>

#include "alphahill/base/text.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr std::size_t longest_label = 32;

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> short_words{{
    {"self_attn", "attn"},
    {"self_attention", "attn"},
    {"attention", "attn"},
    {"block_sparse_moe", "moe"},
    {"feed_forward", "ff"},
}};

using Words = std::vector<std::string>;

/// A layer's name around its block number; `block` is empty where it has none.
struct ParsedName {
  Words stack;  ///< "model", "layers"
  std::string block;
  Words role;  ///< "self_attn", "q_proj"
};

ParsedName parse(const std::string& name) {
  Words words;
  boost::split(words, name, boost::is_any_of("."));
  const auto number = std::ranges::find_if(
      words, [](const std::string& word) { return !word.empty() && boost::all(word, boost::is_digit()); });
  if (number == words.end() || number + 1 == words.end()) return {{}, {}, words};
  return {{words.begin(), number}, *number, {number + 1, words.end()}};
}

/// Words that all stacks begin with; with a single stack, all of it.
std::size_t shared_lead(const std::set<Words>& stacks) {
  if (stacks.empty()) return 0;
  const Words& first = *stacks.begin();
  const Words& last = *stacks.rbegin();  // in sorted order these two differ the earliest
  return static_cast<std::size_t>(std::ranges::mismatch(first, last).in1 - first.begin());
}

/// "17", or "vision.blocks.17"; empty outside the blocks.
std::string block_text(const ParsedName& name, std::size_t lead) {
  if (name.block.empty()) return {};
  Words words(name.stack.begin() + static_cast<std::ptrdiff_t>(lead), name.stack.end());
  words.push_back(name.block);
  return joined(words, ".");
}

std::string label_text(const ParsedName& name, const std::string& block) {
  const std::string text = block.empty() ? "" : block + ' ';
  Words role = name.role;
  for (std::string& word : role) {
    const auto found = std::ranges::find(short_words, word, &decltype(short_words)::value_type::first);
    if (found != short_words.end() && !name.block.empty()) word = found->second;
  }
  return shortened(drawable(text + joined(role, ".")), longest_label);
}

}  // namespace

std::vector<LayerLabel> layer_labels(std::span<const ReportedLayer> layers) {
  std::vector<ParsedName> names;
  std::set<Words> stacks;
  for (const ReportedLayer& layer : layers) {
    names.push_back(parse(layer.layer.name));
    if (!names.back().block.empty()) stacks.insert(names.back().stack);
  }
  std::vector<LayerLabel> labels;
  std::map<std::string, int> uses;
  const std::size_t lead = shared_lead(stacks);
  for (const ParsedName& name : names) {
    const std::string block = block_text(name, lead);
    labels.push_back({label_text(name, block), shortened(drawable(block), longest_label)});
    ++uses[labels.back().text];
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    // A name that begins with "#" itself must not pass for another layer's number.
    if (uses[labels[i].text] > 1 || labels[i].text.starts_with('#'))
      labels[i].text = fmt::format("#{} {}", layers[i].number, labels[i].text);
  }
  return labels;
}

}  // namespace alphahill
