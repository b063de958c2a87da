/// The Hill estimator of the tail exponent of an eigenvalue spectrum.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace alphahill {

/// Number of eigenvalues in the tail: max(10, floor(k_fraction * count)), then clamped to [1, count - 1].
/// @param count  eigenvalues in the spectrum, >= 2
std::int64_t tail_length(std::int64_t count, double k_fraction);

/// alpha = 1 + k / sum_{i<=k} ln(lambda_i / lambda_{k+1}) over the descending spectrum.
/// Hill (1975); k as in AlphaQuant's precision analysis. Does not depend on the scale of the weights.
struct HillEstimate {
  double alpha;           ///< NaN where `no_alpha` says why
  double standard_error;  ///< (alpha - 1) / sqrt(k)
  std::int64_t k_used;    ///< -1 where there is no alpha
  /// A-priori bound on the relative error of lambda_{k+1} from a Gram matrix in fp64: N eps lambda_1 /
  /// lambda_{k+1}.
  double error_bound;
  std::string no_alpha;  ///< empty, or the reason why this spectrum has no alpha
};

/// @param eigenvalues  N >= 0 values of the smaller Gram matrix, ascending, >= 0, finite
/// @param k_fraction   part of the spectrum in the tail, in (0, 1]
///
/// There is no alpha for N < 2, for lambda_{k+1} <= N eps lambda_1 (not to be told from zero), and where the
/// mean of ln(lambda_i / lambda_{k+1}) is <= N eps (a flat tail: the k + 1 largest eigenvalues cannot be told
/// apart).
HillEstimate hill(std::span<const double> eigenvalues, double k_fraction);

}  // namespace alphahill
