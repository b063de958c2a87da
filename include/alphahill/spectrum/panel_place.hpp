/// Where a panel of consecutive weights, row by row, lies in its matrix.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace alphahill {

/// Weights of a panel that lie side by side in a row of the matrix.
struct RowPiece {
  std::int64_t row;   ///< of the matrix
  std::int64_t col;   ///< of the matrix
  std::size_t first;  ///< among the weights of the block
  std::size_t count;

  template <class Values>
  auto of(Values values) const {
    return values.subspan(first, count);
  }
};

struct PanelPlace {
  std::int64_t row;   ///< of its first weight
  std::int64_t col;   ///< of its first weight
  std::int64_t cols;  ///< of the panel

  /// Calls use(RowPiece) for the rows that a block of `count` weights, the first of which is number `first` of the
  /// panel, has a part in.
  template <class Use>
  void for_each_row(std::int64_t first, std::size_t count, Use use) const {
    for (std::size_t at = 0; at < count;) {
      const std::int64_t place = first + static_cast<std::int64_t>(at);
      const std::size_t length = std::min(static_cast<std::size_t>(cols - place % cols), count - at);
      use(RowPiece{row + place / cols, col + place % cols, at, length});
      at += length;
    }
  }
};

}  // namespace alphahill
