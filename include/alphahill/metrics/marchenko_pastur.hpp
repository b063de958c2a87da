/// The Marchenko-Pastur law that fits the bulk of a spectrum best, as WeightWatcher fits it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace alphahill {

/// Of the eigenvalues over their mean, as those of N x M random weights of variance sigma^2/N, N >= M, Q = N/M. NaN and
/// -1 where there is no fit.
struct MarchenkoPasturFit {
  double sigma = std::numeric_limits<double>::quiet_NaN();
  /// The upper edge of the bulk, b = (sigma (1 + 1/sqrt(Q)))^2, over the largest.
  double soft_rank = std::numeric_limits<double>::quiet_NaN();
  /// Eigenvalues > b + sqrt(TW), TW = Q^(-1/2) b^(2/3) M^(-2/3), after Tracy and Widom.
  std::int64_t spikes = -1;
};

/// The sigma of least squared difference of densities at 1,000 points from 0 to the largest + 0.5, where that of the
/// eigenvalues, smoothed by a triangle of half-width 0.1, is above 0.01: the best of some 195, from there on by Nelder
/// and Mead. Of a square matrix, singular values and the quarter circle instead. WeightWatcher's mp_fit and
/// fit_density_with_range, in their order of operations; Martin and Mahoney, Implicit self-regularization in deep
/// neural networks (JMLR 22, 2021).
///
/// @param eigenvalues   M values, ascending, >= 0, finite
/// @param aspect_ratio  Q
MarchenkoPasturFit fit_marchenko_pastur(std::span<const double> eigenvalues, double aspect_ratio);

}  // namespace alphahill
