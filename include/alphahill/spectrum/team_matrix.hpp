/// A dense matrix that the members of a team hold together, for the singular values of a layer that no
/// member has the memory for.
#pragma once

#include <cstdint>
#include <vector>

namespace alphahill {

/// Consecutive rows of a matrix in memory: entry (i, col) at values[i * row_stride + col * col_stride].
struct MatrixRows {
  std::int64_t count;
  const double* values;
  std::int64_t row_stride;
  std::int64_t col_stride;

  MatrixRows first(std::int64_t rows) const { return {rows, values, row_stride, col_stride}; }
  MatrixRows from(std::int64_t row) const {
    return {count - row, values + row * row_stride, row_stride, col_stride};
  }
};

/// An upper bidiagonal matrix.
struct Bidiagonal {
  std::vector<double> diagonal;
  std::vector<double> superdiagonal;  ///< as long; the last value does not count
};

/// rows x cols in fp64, rows >= cols >= 1. The values are undefined until they are set.
class TeamMatrix {
 public:
  virtual ~TeamMatrix() = default;

  /// Overwrites the rows from `first` on. All members give the same values, each keeps its own part of them.
  virtual void set_rows(std::int64_t first, const MatrixRows& rows) = 0;

  /// Replaces the first `rows` >= cols rows A by the R of A = Q R, with zeros below. Backward error of order
  /// cols eps |A|. Collective.
  /// @throws Error(internal) on all members with the routine's name where one reports failure
  virtual void factor(std::int64_t rows) = 0;

  /// The upper bidiagonal B of A = Q B P^T for the first `rows` >= cols rows A, the same for all members.
  /// Destroys A. Backward error of order cols eps |A|. Collective.
  /// @throws Error(internal) on all members with the routine's name where one reports failure
  virtual Bidiagonal reduce_to_bidiagonal(std::int64_t rows) = 0;
};

}  // namespace alphahill
