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
  /// @throws Error(input) when the file's size or modification time differs from the catalog's: it was
  /// replaced
  LayerWeights(const Catalog& catalog, const Layer& layer);

  /// Reads the stored bytes of rows [row, row + rows) and columns [col, col + cols), row-major, without gaps.
  /// @param bytes  rows * cols * bytes_of(layer.format) bytes
  void read(std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
            std::span<std::byte> bytes) const;

 private:
  const Layer& layer_;
  File file_;
};

}  // namespace alphahill
