#include "checkpoint/catalog/unapplied_weights.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/regex.hpp>
#include <optional>
#include <set>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/embedding_names.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/headers/counted_tensors.hpp"

namespace alphahill {

namespace {

bool has_component(std::string_view name, std::span<const std::string_view> words) {
  return std::ranges::any_of(components_of(name), [&](std::string_view component) {
    return std::ranges::find(words, component) != words.end();
  });
}

/// A weight that peft keeps apart from what is merged into it, or trains as a whole beside it.
bool is_under_adapter(std::string_view tensor) {
  constexpr std::array<std::string_view, 3> words{"base_layer", "modules_to_save", "original_module"};
  return is_adapter(tensor) || has_component(tensor, words);
}

template <class Is>
CountedTensors counted_tensors(const CheckpointHeaders& headers, Is is) {
  CountedTensors found;
  for (const StoredTensor& tensor : headers.tensors) {
    if (is(tensor)) found.add(tensor.name);
  }
  return found;
}

/// The name of a weight, plain, in codes or in parts; a tensor of experts need not end so.
bool names_any_weight(std::string_view tensor) {
  constexpr std::array<std::string_view, 6> endings{".weight",        ".in_proj_weight", ".qweight",
                                                    ".weight_packed", ".weight_v",       ".original1"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return tensor.ends_with(ending); }) ||
         names_expert_weights(tensor);
}

bool is_placeholder(const StoredTensor& tensor) {
  return tensor.shape == std::vector<std::int64_t>{0} && names_any_weight(tensor.name);
}

/// The one side that tensor parallelism cuts, of a layer whose other side is hidden_size.
std::optional<std::int64_t> cut_side(const Layer& layer, std::int64_t hidden_size, bool gives_hidden_state) {
  const std::int64_t whole = gives_hidden_state ? layer.out_features : layer.in_features;
  if (whole != hidden_size) return std::nullopt;
  return gives_hidden_state ? layer.in_features : layer.out_features;
}

/// The cut sides of the layers with one of two categories: the first takes the hidden state, the second gives it.
std::set<std::int64_t> cut_sides(const std::vector<Layer>& layers, std::int64_t hidden_size,
                                 std::string_view takes, std::string_view gives) {
  std::set<std::int64_t> sides;
  for (const Layer& layer : layers) {
    const bool is_one = layer.category == takes || layer.category == gives;
    const bool has_sides = layer.unsupported() == nullptr && !layer.predicts_further_tokens;
    if (!is_one || !has_sides || layer.name.find("expert") != std::string::npos) continue;
    if (const auto side = cut_side(layer, hidden_size, layer.category == gives)) sides.insert(*side);
  }
  return sides;
}

/// Of how many slices those sides are one; 1: they are whole. Nothing where it cannot be told.
std::optional<std::int64_t> slices_of(const std::set<std::int64_t>& sides,
                                      std::optional<std::int64_t> whole) {
  if (sides.size() != 1 || !whole || *sides.begin() < 1 || *whole < 1 || *whole % *sides.begin() != 0) {
    return std::nullopt;
  }
  return *whole / *sides.begin();
}

/// Values that the queries of all heads have.
std::optional<std::int64_t> width_of_queries(const ModelConfig& config) {
  constexpr std::int64_t most = 1 << 30;
  const auto heads = config.num_attention_heads;
  if (!heads || *heads < 1 || *heads > most) return std::nullopt;
  const std::int64_t head_dim = config.head_dim.value_or(config.hidden_size.value_or(0) / *heads);
  return head_dim < 1 || head_dim > most ? std::nullopt : std::optional(*heads * head_dim);
}

/// Of how many slices the matrices are one; 1: they are whole; nothing where it cannot be told.
struct SlicesByShapes {
  std::optional<std::int64_t> in_mlp;
  std::optional<std::int64_t> in_attention;

  bool whole() const { return in_mlp == 1 || in_attention == 1; }
  bool certain() const { return in_mlp && in_mlp == in_attention; }
  std::int64_t count() const { return in_mlp ? *in_mlp : in_attention.value_or(1); }
};

SlicesByShapes slices_by_shapes(const std::vector<Layer>& layers, const ModelConfig& config) {
  if (!config.hidden_size) return {};
  const std::int64_t hidden = *config.hidden_size;
  return {slices_of(cut_sides(layers, hidden, "mlp_up", "mlp_down"), config.intermediate_size),
          slices_of(cut_sides(layers, hidden, "attn_q", "attn_o"), width_of_queries(config))};
}

/// The name of a file or folder that holds what one rank of several has; nothing where there is none.
std::optional<std::string> name_of_slice(const CheckpointHeaders& headers, const std::string& where) {
  static const boost::regex of_rank(
      R"((.*[._-])?(mp_rank_?\d+|rank[-_]?\d+|tp[-_]?\d+|model\d+-mp\d+|consolidated\.\d+)([._-].*)?)");
  const std::filesystem::path path(where);
  std::vector<std::string> names{(path.has_filename() ? path : path.parent_path()).filename().string()};
  for (const SourceFile& file : headers.files) names.push_back(file.name);
  const auto found =
      std::ranges::find_if(names, [&](const std::string& name) { return boost::regex_match(name, of_rank); });
  return found == names.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

bool is_adapter(std::string_view tensor) {
  constexpr std::array<std::string_view, 5> words{"lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B",
                                                  "lora_magnitude_vector"};
  return has_component(tensor, words);
}

void refuse_placeholders(const CheckpointHeaders& headers, const ModelConfig& config,
                         const std::string& where) {
  const CountedTensors empty = counted_tensors(headers, is_placeholder);
  if (empty.count == 0) return;
  const CountedTensors of_layers = counted_tensors(headers, [&](const StoredTensor& tensor) {
    const std::string_view name = without_ending(tensor.name, ".weight").value_or(tensor.name);
    return is_placeholder(tensor) && !is_norm(name) && !is_embedding(name, headers, config);
  });
  constexpr std::string_view what =
      "placeholders [0], as a save under DeepSpeed's ZeRO-3 leaves them; its zero_to_fp32.py writes the "
      "weights";
  if (of_layers.count > 0) {
    throw Error(Fault::input, where,
                fmt::format("the weights of {} are empty, those of '{}' first: {}",
                            counted(of_layers.count, "layer"), of_layers.first, what));
  }
  spdlog::warn("{}: {} empty, '{}' first: {}", printable(where), counted(empty.count, "tensor"),
               printable(empty.first), what);
}

void refuse_unmerged_adapters(const CheckpointHeaders& headers, const std::string& where, bool allow) {
  const CountedTensors found =
      counted_tensors(headers, [](const StoredTensor& tensor) { return is_under_adapter(tensor.name); });
  if (found.count == 0) return;
  const std::string what = fmt::format("{} of an adapter that is not merged into the weights, '{}' first",
                                       counted(found.count, "tensor"), found.first);
  if (allow) {
    return spdlog::warn("{}: {}; figures are those of the weights without it", printable(where),
                        printable(what));
  }
  throw Error(Fault::input, where,
              what +
                  "; merge it with peft (model.merge_and_unload().save_pretrained(FOLDER)), or analyse the "
                  "weights without it by --allow-unmerged");
}

void refuse_slices(const std::vector<Layer>& layers, const CheckpointHeaders& headers,
                   const ModelConfig& config, const std::string& where) {
  const SlicesByShapes slices = slices_by_shapes(layers, config);
  if (slices.whole()) return;
  const std::string sides =
      fmt::format("matrices with 1/{} of the rows or columns that config.json says", slices.count());
  if (slices.certain()) {
    throw Error(Fault::input, where,
                fmt::format("one of {} slices of a tensor-parallel model, {}: merge the slices first",
                            slices.count(), sides));
  }
  const std::optional<std::string> name = name_of_slice(headers, where);
  if (slices.count() == 1 && !name) return;
  spdlog::warn(
      "{}: this may be one slice of a tensor-parallel model, by {}; figures would be those of parts of "
      "matrices",
      printable(where), slices.count() > 1 ? sides : fmt::format("the name '{}'", printable(*name)));
}

}  // namespace alphahill
