/// A dense matrix whose singular values are known exactly at every precision.
///
/// With n the smaller side, a power of two, and m the larger one, a multiple of n:
///
///     W(i, j) = s_i t_j d(i mod n) F(i mod n, j)          (transposed where it is wide)
///
/// F is Sylvester's Hadamard matrix of order n (entries +-1, F F^T = n I), s and t are random signs and
/// d > 0. All entries of a row have the same size, so that a cast of the weights is a cast of d alone, and
/// W^T W = T F^T (m/n) D^2 F T has the eigenvalues m d_r^2. Sylvester (1867).
#pragma once

#include <cstdint>
#include <vector>

#include "sample/models.hpp"

namespace alphahill::sample {

class KnownMatrix {
 public:
  /// Draws d from the tensor's Pareto tail, and the signs. Equal tensor and seed give an equal matrix.
  KnownMatrix(const Tensor& tensor, std::uint64_t seed);

  /// An entry, before it is cast to the stored format.
  double at(std::int64_t row, std::int64_t col) const;

  /// The n values d, not yet cast.
  const std::vector<double>& factors() const { return factors_; }

 private:
  bool wide_;
  std::vector<double> factors_;
  std::vector<bool> long_side_signs_;   ///< s, true for -1
  std::vector<bool> short_side_signs_;  ///< t
};

/// The figures that a results table should show.
struct KnownFigures {
  double alpha;
  std::int64_t k_used;
  std::int64_t n_eigs;
};

/// The figures of a tensor stored as `stored`, loaded as fp32 and cast to `precision`, from the definition of
/// alpha with k_frac 0.1, in extended precision.
KnownFigures known_figures(const Tensor& tensor, std::uint64_t seed, ElementFormat stored,
                           ElementFormat precision);

}  // namespace alphahill::sample
