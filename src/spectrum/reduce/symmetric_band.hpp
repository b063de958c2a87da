/// A symmetric band matrix, and its reduction to tridiagonal form.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/base/vector_register.hpp"
#include "spectrum/reduce/tridiagonal.hpp"

namespace alphahill {

/// Entry (row, col) lies at [row + col (3 width - 1)]: any block near the diagonal is a column-major matrix.
///
///   column   col ...                   col + width ...            ... 3 width entries a column
///            the lower band, from      room for the bulges that   the upper triangle of the diagonal
///            the diagonal down         the reduction chases       blocks of the columns to the right
class SymmetricBand {
 public:
  /// Three registers of eight values: as wide as the kernels are fast, as narrow as the chase is cheap.
  static constexpr std::int64_t width = 24;
  static constexpr std::int64_t leading_dimension = 3 * width - 1;

  explicit SymmetricBand(std::int64_t order)
      : order_(order), values_(static_cast<std::size_t>((order + 3 * width) * 3 * width)) {}

  std::int64_t order() const { return order_; }
  /// Entry (row, col). @pre 0 <= row - col <= width
  double& at(std::int64_t row, std::int64_t col) { return *block(row, col); }
  std::span<double> values() { return values_; }

  /// The tridiagonal matrix of the same eigenvalues. Overwrites the band.
  ///
  /// The entries outside the tridiagonal go column by column: a Householder reflector of `width` rows clears
  /// a column, and the bulge that this makes is cleared by the next one, `width` rows further down, to the
  /// end of the band (Schwarz 1968; in blocks as by Haidar, Ltaief and Dongarra, SC 2011). About 6 n^2 width
  /// flops.
  Tridiagonal tridiagonal(VectorLevel level = vector_level());
  /// Ascending, each of them checked. Overwrites the band. @throws Error(internal) where one is wrong
  std::vector<double> eigenvalues(VectorLevel level = vector_level());

  /// Columns cleared side by side.
  static constexpr std::int64_t sweeps_together = 16;
  /// Entry (row, col) and what lies behind it, for any |row - col| < 2 width.
  double* block(std::int64_t row, std::int64_t col) {
    return values_.data() + width + row + col * leading_dimension;
  }

 private:
  std::int64_t order_;
  std::vector<double> values_;  ///< `width` in front for the upper triangle of the first diagonal block
};

}  // namespace alphahill
