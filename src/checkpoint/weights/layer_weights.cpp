#include "alphahill/checkpoint/layer_weights.hpp"

#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

LayerWeights::LayerWeights(const Catalog& catalog, const Layer& layer)
    : files_(std::make_unique<LayerFiles>(catalog)),
      source_(std::visit([&](const auto& stored) { return stored.open(*files_); }, layer.layout)) {}

LayerWeights::~LayerWeights() = default;
LayerWeights::LayerWeights(LayerWeights&&) noexcept = default;

void LayerWeights::check_unchanged() const {
  files_->check_unchanged();
}

}  // namespace alphahill
