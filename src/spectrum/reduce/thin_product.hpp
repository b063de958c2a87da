/// Products with a few vectors at a time: the part of a band reduction that BLAS does slowly, since it packs
/// every entry of a matrix for a handful of products. Vectors lie side by side: the entries of all of them in
/// one row are next to each other.
#pragma once

#include <cstdint>

#include "alphahill/base/vector_register.hpp"

namespace alphahill {

/// Entry (row, col) of a matrix, at values[row * row_stride + col * col_stride].
struct Strided {
  const double* values;
  std::int64_t row_stride;
  std::int64_t col_stride;
};

/// Vectors side by side, each row `stride` values behind the one before.
template <class Value>
struct SideBySide {
  Value* values;
  std::int64_t stride;

  SideBySide from_row(std::int64_t row) const { return {values + row * stride, stride}; }
};

/// Y := keep Y + factor V A, for `vectors` x depth V and depth x cols A.
struct ThinProduct {
  std::int64_t vectors;
  std::int64_t depth;
  std::int64_t cols;
  double factor;
  SideBySide<const double> v;
  Strided a;
  double keep;
  SideBySide<double> y;
};
void multiply_thin(const ThinProduct& product, VectorLevel level = vector_level());

/// Block column of a symmetric matrix A in column-major order: its rows from the diagonal down.
struct BlockColumn {
  std::int64_t rows;  ///< from its first diagonal entry down
  std::int64_t cols;
  const double* values;  ///< of which only the lower triangle of the first `cols` rows is read
  std::int64_t leading_dimension;
};

/// Adds what the block column and its mirror image contribute to Y = V A. Each block is read once for both.
///
/// @param v, y  from the row of the block column's first diagonal entry on
void add_symmetric_product(const BlockColumn& a, std::int64_t vectors, SideBySide<const double> v,
                           SideBySide<double> y, int threads, VectorLevel level = vector_level());

}  // namespace alphahill
