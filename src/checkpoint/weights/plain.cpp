#include <algorithm>
#include <array>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/layer_name.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

namespace {

/// GPT-2 and its relatives store the matrices of their Conv1D as [in, out].
bool is_transposed(std::string_view name, const ModelConfig& config) {
  constexpr std::array<std::string_view, 5> models{"gpt2", "openai-gpt", "imagegpt", "decision_transformer",
                                                   "clvp"};
  constexpr std::array<std::string_view, 4> modules{"c_attn", "q_attn", "c_proj", "c_fc"};
  return std::ranges::find(models, config.model_type) != models.end() &&
         std::ranges::find(modules, kind_of(name)) != modules.end();
}

}  // namespace

std::vector<Layer> Plain::find(const StoredTensor& tensor, const CheckpointHeaders&,
                               const ModelConfig& config) {
  const std::optional<std::string_view> name = without_ending(tensor.name, ".weight");
  const std::optional<ElementFormat> format = format_of(tensor.dtype);
  if (!name || tensor.shape.size() != 2 || !format) return {};
  Layer layer = make_layer(tensor, *name, tensor.shape[0], tensor.shape[1]);
  const bool transposed = is_transposed(*name, config);
  layer.layout = Plain{*format, whole_matrix(tensor), transposed};
  if (transposed) std::swap(layer.out_features, layer.in_features);
  return {std::move(layer)};
}

WeightShape Plain::shape() const {
  WeightShape shape = plain_shape(weights.rows, weights.cols, format);
  shape.transposed = transposed;
  return shape;
}

std::unique_ptr<WeightSource> Plain::open(LayerFiles& files) const {
  const SliceReader reader(files, weights, bytes_of(format));
  return std::make_unique<PlainWeights>(
      shape(), [reader](const Block& block, std::span<std::byte> bytes) { reader.read(block, bytes); });
}

}  // namespace alphahill
