/// Bounds on the relative error of lambda_{k+1}, by the method that computed the spectrum.
#pragma once

#include <cstdint>
#include <string_view>

namespace alphahill {

/// Does a spectrum by the method of this name ("svd_...") consist of squared singular values, without the
/// errors of a Gram matrix?
bool is_svd(std::string_view method);

/// Bound on the relative error of lambda_{k+1} by the method of this name: N eps lambda_1 / lambda_{k+1} by a
/// Gram matrix, 2 N eps sqrt(lambda_1 / lambda_{k+1}) by an SVD.
/// @param gram_error_bound  the former, as in HillEstimate
/// @param order  N
double error_bound_by(std::string_view method, double gram_error_bound, std::int64_t order);

/// The error that a Gram matrix is expected to leave in lambda_{k+1}, relatively: 4 sqrt(N) eps lambda_1 /
/// lambda_{k+1}. Roundings are as good as independent, so that they add up to the square root of the a-priori
/// bound's N (Higham and Mary, SIAM J. Sci. Comput. 41, 2019); measured, the error stays a hundred times
/// below this.
/// @param error_bound  of the estimate from `order` eigenvalues
double expected_gram_error(double error_bound, std::int64_t order);

/// A figure for which more is expected is computed again by SVD.
inline constexpr double largest_gram_error = 1e-9;

}  // namespace alphahill
