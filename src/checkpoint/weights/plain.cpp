#include <algorithm>
#include <array>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

namespace {

/// True for a matrix with as many columns, and not rows, as its bias has values.
bool is_in_by_out(std::string_view name, const CheckpointHeaders& headers) {
  const StoredTensor* weight = headers.find(std::string(name) + ".weight");
  const StoredTensor* bias = headers.find(std::string(name) + ".bias");
  return weight != nullptr && bias != nullptr && weight->shape.size() == 2 && bias->shape.size() == 1 &&
         weight->shape[1] == bias->shape[0] && weight->shape[0] != bias->shape[0];
}

/// GPT-2 and its relatives store the matrices of their Conv1D as [in, out]. Inside another model the shapes
/// tell; of a square one, those of the fused projection beside it.
bool is_transposed(std::string_view name, const CheckpointHeaders& headers, const ModelConfig& config) {
  constexpr std::array<std::string_view, 5> models{"gpt2", "openai-gpt", "imagegpt", "decision_transformer",
                                                   "clvp"};
  constexpr std::array<std::string_view, 4> modules{"c_attn", "q_attn", "c_proj", "c_fc"};
  const std::string_view kind = kind_of(name);
  if (std::ranges::find(modules, kind) == modules.end()) return false;
  if (std::ranges::find(models, config.model_type) != models.end()) return true;
  const std::string_view parent = name.substr(0, name.size() - kind.size());
  return is_in_by_out(name, headers) ||
         (kind != "c_fc" && is_in_by_out(std::string(parent) + "c_attn", headers));
}

/// X.weight, or the q, k and v of torch's MultiheadAttention above one another: X.in_proj_weight.
std::optional<std::string_view> name_of_matrix(const StoredTensor& tensor) {
  if (tensor.shape.size() != 2) return std::nullopt;
  const auto fused = without_ending(tensor.name, "_weight");
  if (fused && kind_of(*fused) == "in_proj" && tensor.shape[0] % 3 == 0) return fused;
  return without_ending(tensor.name, ".weight");
}

/// Vectors that the weights of a layer are chosen from, by VPTQ, which stores them as an Embedding does.
bool are_vectors(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  const auto name = without_ending(tensor.name, "centroids.weight");
  if (!name) return false;
  const std::string_view stem = name->substr(0, name->rfind('.') + 1);
  return headers.find(std::string(stem) + "indices") != nullptr;
}

std::vector<Layer> layers_of_experts(const StoredTensor& tensor, ElementFormat format,
                                     const CheckpointHeaders& headers, const ModelConfig& config) {
  const std::string_view name = without_ending(tensor.name, ".weight").value_or(tensor.name);
  const auto experts = find_expert_tensor(name, tensor.shape, OutputAxis::either, headers, config);
  std::vector<Layer> layers;
  if (!experts || !experts->unknown.empty()) return layers;
  for (const ExpertMatrix& matrix : matrices_of(*experts, tensor.file, tensor.offset, bytes_of(format))) {
    layers.push_back(make_layer(tensor, matrix.layer, Plain{format, matrix.values, experts->transposed}));
  }
  return layers;
}

}  // namespace

std::vector<Layer> Plain::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                               const ModelConfig& config) {
  const std::optional<ElementFormat> format = format_of(tensor.dtype);
  if (!format || are_vectors(tensor, headers)) return {};
  if (const std::optional<std::string_view> name = name_of_matrix(tensor)) {
    return {make_layer(tensor, *name,
                       Plain{*format, whole_matrix(tensor), is_transposed(*name, headers, config)})};
  }
  return layers_of_experts(tensor, *format, headers, config);
}

WeightShape Plain::shape() const {
  WeightShape shape = plain_shape(weights.rows, weights.cols, format);
  shape.stored_bytes *= weights.col_stride;  // columns that alternate with others are read with these
  shape.transposed = transposed;
  return shape;
}

std::unique_ptr<WeightSource> Plain::open(LayerFiles& files) const {
  const SliceReader reader(files, weights, bytes_of(format));
  return std::make_unique<PlainWeights>(
      shape(), [reader](const Block& block, std::span<std::byte> bytes) { reader.read(block, bytes); });
}

}  // namespace alphahill
