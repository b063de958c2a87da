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

/// The standard error of alpha' - alpha, where both are of spectra of the same weights before and after rounding: of
/// pairs, whose errors largely cancel. With x_i = ln(lambda_i / lambda_{k+1}), i <= k, m their mean, and x_i', m' of the
/// other spectrum, alpha' - alpha = 1/m' - 1/m changes with pair i by z_i/k, z_i = x_i/m^2 - x_i'/m'^2 (the delta
/// method; Efron, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6). What is random in the change of
/// lambda_{k+1} itself moves all x_i' at once, by s: with d_i = ln(lambda_i' / lambda_i), s^2 is half the mean square
/// of d_i - d_{i+1}. The error is sqrt(var(z)/k + s^2/m^4).
/// @param eigenvalues, others  of equal length
/// @return NaN where either has no alpha, or k is 1
double change_standard_error(std::span<const double> eigenvalues, std::span<const double> others,
                             double k_fraction);

/// A certified bound on |alpha' - alpha| / alpha, where alpha is that of these eigenvalues of W W^T and
/// alpha' that of (W + E)(W + E)^T, for any E of 2-norm <= e: no singular value moves by more than e (Weyl;
/// Golub and Van Loan, Matrix Computations, corollary 8.6.2), so
///
///   lambda_i' lies in [(sqrt(lambda_i (1 - r)) - e)^2, (sqrt(lambda_i (1 + r)) + e)^2]
///
/// for i <= k + 1, with r the relative error of the eigenvalues given; alpha' is taken to be exact. Each
/// ln(lambda_i' / lambda_{k+1}') is largest and smallest at the ends of these intervals, and never below
/// zero. Rounded up.
/// @param relative_error  r, of lambda_1 ... lambda_{k+1}
/// @return infinity where there is no alpha, or none may be left
double alpha_change_bound(std::span<const double> eigenvalues, double k_fraction, double relative_error,
                          double e);

}  // namespace alphahill
