/// The weights of one layer, read block by block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "alphahill/base/file.hpp"
#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// The open file of one layer. Reading never holds more than the caller's block.
class LayerWeights {
 public:
  /// @throws Error(input) as check_unchanged()
  LayerWeights(const Catalog& catalog, const Layer& layer);

  /// Reads the stored bytes of rows [row, row + rows) and columns [col, col + cols), row-major, without gaps.
  /// @param bytes  rows * cols * bytes_of(layer.format) bytes
  void read(std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
            std::span<std::byte> bytes) const;

  /// To be called when all is read: what was read was the layer if the file has not changed since.
  /// @throws Error(input) when its size or modification time differs from the catalog's
  void check_unchanged() const;

 private:
  const Layer& layer_;
  const SourceFile& source_;
  File file_;
};

}  // namespace alphahill
