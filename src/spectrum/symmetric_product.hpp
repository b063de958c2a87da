/// The product of a symmetric matrix, of which a block column is at hand, with a few vectors: the half of a
/// band reduction that BLAS does slowly, since it packs every entry of the matrix for a handful of products.
#pragma once

#include <cstdint>

#include "vector_kernels.hpp"

namespace alphahill {

/// Block column of a symmetric matrix A in column-major order: its rows from the diagonal down.
struct BlockColumn {
  std::int64_t rows;  ///< from its first diagonal entry down
  std::int64_t cols;
  const double* values;  ///< of which only the lower triangle of the first `cols` rows is read
  std::int64_t leading_dimension;
};

/// Adds what the block column and its mirror image contribute to Y = A V.
///
/// @param v, y  `vectors` x rows column-major without gaps, so that the entries of all vectors in one row of
/// A
///              lie side by side; from the row of the block column's first diagonal entry on
void add_symmetric_product(const BlockColumn& a, std::int64_t vectors, const double* v, double* y,
                           VectorLevel level = widest_level());

}  // namespace alphahill
