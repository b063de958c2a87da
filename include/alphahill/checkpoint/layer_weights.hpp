/// The weights of one layer of a checkpoint, read block by block.
#pragma once

#include <memory>

#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// The open files of one layer. Reading never holds more than the caller's block.
class LayerWeights {
 public:
  /// @param catalog, layer  outlive this
  /// @throws Error(input) as check_unchanged(); Error(internal) for a layer that is unsupported
  LayerWeights(const Catalog& catalog, const Layer& layer);
  ~LayerWeights();
  LayerWeights(LayerWeights&&) noexcept;

  const WeightSource& source() const { return *source_; }

  /// To be called when all is read: what was read was the layer if no file of it has changed since.
  /// @throws Error(input) when the size or modification time of one differs from the catalog's
  void check_unchanged() const;

 private:
  std::unique_ptr<LayerFiles> files_;
  std::unique_ptr<WeightSource> source_;
};

}  // namespace alphahill
