/// The power law that fits the tail of a spectrum best, as WeightWatcher fits it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace alphahill {

/// p(x) ~ x^-alpha for x >= x_min. NaN and -1 where there is no fit.
struct PowerLawFit {
  double alpha = std::numeric_limits<double>::quiet_NaN();
  double x_min = std::numeric_limits<double>::quiet_NaN();
  double distance = std::numeric_limits<double>::quiet_NaN();        ///< D, of Kolmogorov and Smirnov
  double standard_error = std::numeric_limits<double>::quiet_NaN();  ///< (alpha - 1) / sqrt(n)
  std::int64_t tail_length = -1;                                     ///< eigenvalues >= x_min
};

/// WeightWatcher takes smaller eigenvalues for zero, whatever the scale of the weights.
inline constexpr double smallest_fitted_eigenvalue = 1e-5;

/// Of all x_min among the eigenvalues x_0 <= ... <= x_{N-1} > smallest_fitted_eigenvalue, but for the largest, the one
/// whose power law is nearest to its tail of n = N - i values:
///
///   alpha = 1 + n / sum_{j >= i} ln(x_j / x_i),   D = max_{j >= i} |1 - (x_j / x_i)^(1 - alpha) - (j - i) / n|;
///
/// of equal D the first. Clauset, Shalizi and Newman, Power-law distributions in empirical data (SIAM Review 51, 2009);
/// WeightWatcher's WWFit.fit_power_law_standard. A tail of values that cannot be told apart (the mean of the logarithms
/// is <= N eps) has no alpha. O(N^2), in vectors; an x_min is left as soon as one of its differences is larger than the
/// least D so far.
///
/// @param eigenvalues  ascending, >= 0, finite
PowerLawFit fit_power_law(std::span<const double> eigenvalues);

}  // namespace alphahill
