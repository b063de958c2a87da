#include "checkpoint/catalog/expert_tensor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

/// More than any model has; a bound on the layers that a hostile shape makes.
constexpr std::int64_t most_experts = 4096;

/// A name that tensors of experts have.
struct NamedTensor {
  std::string_view module;  ///< the end of the module's name; empty for any
  std::string_view tensor;
  std::vector<std::string_view> projections;
  std::string_view partner;  ///< the tensor of that module with the other projections

  /// Its output features are those of the hidden state, else its input features are.
  bool gives_hidden_state() const {
    return projections.front() == "down_proj" || projections.front() == "o_proj";
  }
};

const std::vector<NamedTensor> named_tensors{
    {"experts", "gate_up_proj", {"gate_proj", "up_proj"}, "down_proj"},
    {"experts", "down_proj", {"down_proj"}, "gate_up_proj"},
    {"experts", "fc1", {"gate_proj", "up_proj"}, "fc2"},
    {"experts", "fc2", {"down_proj"}, "fc1"},
    {"experts", "w13_weight", {"gate_proj", "up_proj"}, "w2_weight"},
    {"experts", "w2_weight", {"down_proj"}, "w13_weight"},
    {"moe", "gate_proj", {"gate_proj"}, "down_proj"},
    {"moe", "up_proj", {"up_proj"}, "down_proj"},
    {"moe", "down_proj", {"down_proj"}, "gate_proj"},
    {"self_attention.experts", "input_linear", {"q_proj"}, "output_linear"},
    {"self_attention.experts", "output_linear", {"o_proj"}, "input_linear"},
    {"", "input_linear", {"gate_proj", "up_proj"}, "output_linear"},
    {"", "output_linear", {"down_proj"}, "input_linear"},
};

const std::vector<NamedTensor> named_stacks{
    {"experts.mlp", "w1", {"gate_proj"}, ""},
    {"experts.mlp", "v1", {"up_proj"}, ""},
    {"experts.mlp", "w2", {"down_proj"}, ""},
};

/// Models that store experts so.
struct Family {
  std::string_view model_type;  ///< its beginning
  bool alternating;
  bool transposed;  ///< where shapes do not tell
};

constexpr std::array<Family, 18> families{{
    {"gpt_oss", true, true},
    {"openai_privacy_filter", false, true},
    {"llama4", false, true},
    {"qwen3_vl_moe", false, true},
    {"aria", false, true},
    {"qwen3_5_moe", false, false},
    {"granitemoe", false, false},
    {"jetmoe", false, false},
    {"step3p7", false, false},
    {"gemma4", false, false},
    {"mistral4", false, false},
    {"diffusion_gemma", false, false},
    {"hy_v4", false, false},
    {"muse_spark", false, false},
    {"lara_mini", false, false},
    {"zaya", false, false},
    {"dots3_note", false, false},
    {"inkling", true, false},
}};

/// A tensor's name: the module in front of the last dot, and what is behind it.
struct SplitName {
  std::string_view module;
  std::string_view tensor;
};

SplitName split(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {{}, name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// True where the last components of the name are those.
bool ends_in(std::string_view name, std::string_view components) {
  if (!name.ends_with(components)) return false;
  return components.empty() || name.size() == components.size() ||
         name[name.size() - components.size() - 1] == '.';
}

const NamedTensor* find_name(const std::vector<NamedTensor>& names, const SplitName& name) {
  const auto found = std::ranges::find_if(names, [&](const NamedTensor& known) {
    return known.tensor == name.tensor && ends_in(name.module, known.module);
  });
  return found == names.end() ? nullptr : &*found;
}

const Family* find_family(const ModelConfig& config) {
  for (const std::string& type : {config.text_model_type, config.model_type}) {
    const auto found = std::ranges::find_if(
        families, [&](const Family& family) { return type.starts_with(family.model_type); });
    if (found != families.end()) return &*found;
  }
  return nullptr;
}

/// By which of its two axes, [rows, cols], a tensor may have the output features.
struct Axes {
  bool rows = false;
  bool cols = false;
};

Axes output_axes(const NamedTensor& name, std::span<const std::int64_t> shape, std::int64_t hidden_size) {
  const auto parts = std::ssize(name.projections);
  const auto fit = [&](std::int64_t out, std::int64_t in) {
    return out % parts == 0 && (name.gives_hidden_state() ? out : in) == hidden_size;
  };
  return {fit(shape[1], shape[2]), fit(shape[2], shape[1])};
}

/// Of the tensor with the module's other projections, where it is there.
Axes partner_axes(const NamedTensor& name, std::string_view module, const CheckpointHeaders& headers,
                  std::int64_t hidden_size) {
  const std::string partner = fmt::format("{}.{}", module, name.partner);
  const NamedTensor* partner_name = find_name(named_tensors, split(partner));
  for (const std::string_view ending : {"", ".weight"}) {
    const StoredTensor* tensor = headers.find(partner + std::string(ending));
    if (tensor == nullptr || tensor->shape.size() != 3 || partner_name == nullptr) continue;
    return output_axes(*partner_name, tensor->shape, hidden_size);
  }
  return {};
}

/// Whether rows are the input features: as the shape tells, where that fits both ways as the partner's does,
/// else as in the family. @pre the shape fits a way
bool is_transposed(Axes axes, const Axes& of_partner, const Family& family) {
  if (axes.rows == axes.cols) axes = of_partner;
  return axes.rows == axes.cols ? family.transposed : axes.cols;
}

/// "...experts", where an expert's number goes behind it.
std::string prefix_of(std::string_view module) {
  if (ends_in(module, "experts")) return std::string(module);
  return module.empty() ? "experts" : fmt::format("{}.experts", module);
}

void check_counts(ExpertTensor& tensor) {
  if (std::min({tensor.experts, tensor.rows, tensor.cols}) < 1) {
    tensor.unknown = "it holds no weights";
  } else if (tensor.experts > most_experts) {
    tensor.unknown = fmt::format("more than {} experts", most_experts);
  }
}

/// A module's part of a name that says so: "experts", "shared_experts", "moe", "block_sparse_moe".
bool is_of_experts(std::string_view module) {
  return std::ranges::any_of(components_of(module), [](std::string_view component) {
    return component.ends_with("experts") || component == "moe" || component.ends_with("_moe");
  });
}

bool is_bias_or_scale(std::string_view tensor) {
  constexpr std::array<std::string_view, 4> words{"bias", "scale", "amax", "zero"};
  return std::ranges::any_of(
      words, [&](std::string_view word) { return tensor.find(word) != std::string_view::npos; });
}

std::optional<ExpertTensor> stacked_matrices(const SplitName& name, std::span<const std::int64_t> shape,
                                             const CheckpointHeaders& headers) {
  const NamedTensor* known = find_name(named_stacks, name);
  if (known == nullptr) return std::nullopt;
  ExpertTensor tensor;
  tensor.prefix = prefix_of(name.module);
  tensor.projections = known->projections;
  tensor.transposed = known->gives_hidden_state();
  const std::string_view block = split(split(name.module).module).module;
  const StoredTensor* router = headers.find(fmt::format("{}.router.layer.weight", block));
  if (router == nullptr || router->shape.size() != 2 || router->shape[0] < 1 ||
      shape[0] % router->shape[0] != 0 || shape[1] != router->shape[1]) {
    tensor.unknown = fmt::format("expected rows for each of the experts of {}.router.layer", block);
    return tensor;
  }
  tensor.experts = router->shape[0];
  tensor.rows = shape[0] / tensor.experts;
  tensor.cols = shape[1];
  check_counts(tensor);
  return tensor;
}

std::optional<ExpertTensor> matrix_of_each(const SplitName& name, std::span<const std::int64_t> shape,
                                           OutputAxis axis, const CheckpointHeaders& headers,
                                           const ModelConfig& config) {
  const NamedTensor* known = find_name(named_tensors, name);
  const Family* family = find_family(config);
  const bool is_known = known != nullptr && family != nullptr;
  if (!is_known && !is_of_experts(name.module)) return std::nullopt;
  ExpertTensor tensor;
  tensor.prefix = prefix_of(name.module);
  tensor.experts = shape[0];
  tensor.rows = shape[1];
  tensor.cols = shape[2];
  if (!is_known) {
    tensor.unknown = fmt::format("no layout that is known of model_type '{}'", config.text_model_type);
    return tensor;
  }
  if (!config.hidden_size) {
    tensor.unknown = "config.json does not say hidden_size";
    return tensor;
  }
  Axes axes = output_axes(*known, shape, *config.hidden_size);
  if (axis == OutputAxis::rows) axes.cols = false;
  if (axis == OutputAxis::columns) axes.rows = false;
  if (!axes.rows && !axes.cols) {
    tensor.unknown = fmt::format("its sides do not fit hidden_size {}", *config.hidden_size);
    return tensor;
  }
  tensor.projections = known->projections;
  tensor.alternating = family->alternating;
  tensor.transposed =
      is_transposed(axes, partner_axes(*known, name.module, headers, *config.hidden_size), *family);
  check_counts(tensor);
  return tensor;
}

}  // namespace

bool names_expert_weights(std::string_view name) {
  const SplitName parts = split(name);
  return is_of_experts(parts.module) && !is_bias_or_scale(parts.tensor);
}

std::optional<ExpertTensor> find_expert_tensor(std::string_view name, std::span<const std::int64_t> shape,
                                               OutputAxis axis, const CheckpointHeaders& headers,
                                               const ModelConfig& config) {
  const SplitName parts = split(name);
  if (is_bias_or_scale(parts.tensor)) return std::nullopt;
  if (shape.size() == 2 && config.text_model_type == "dbrx") return stacked_matrices(parts, shape, headers);
  if (shape.size() == 3) return matrix_of_each(parts, shape, axis, headers, config);
  return std::nullopt;
}

std::vector<ExpertMatrix> matrices_of(const ExpertTensor& tensor, std::int64_t file, std::int64_t offset,
                                      std::int64_t value_bytes) {
  const auto parts = std::ssize(tensor.projections);
  const std::int64_t stride = tensor.alternating ? parts : 1;
  TensorSlice values{.file = file, .rows = tensor.rows, .cols = tensor.cols, .row_stride = tensor.cols};
  (tensor.transposed ? values.cols : values.rows) /= parts;
  (tensor.transposed ? values.col_stride : values.row_stride) *= stride;
  const std::int64_t features = tensor.alternating ? 1 : (tensor.transposed ? values.cols : values.rows);
  const std::int64_t part_values = features * (tensor.transposed ? 1 : tensor.cols);
  std::vector<ExpertMatrix> matrices;
  for (std::int64_t expert = 0; expert < tensor.experts; ++expert) {
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t first = expert * tensor.rows * tensor.cols + part * part_values;
      values.offset = offset + first * value_bytes;
      matrices.push_back(
          {fmt::format("{}.{}.{}", tensor.prefix, expert, tensor.projections[static_cast<std::size_t>(part)]),
           values});
    }
  }
  return matrices;
}

}  // namespace alphahill
