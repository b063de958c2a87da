/// Where the Hill estimate depends least on how many eigenvalues are taken for the tail.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace alphahill {

/// NaN and -1 where there is none.
struct HillPlateau {
  double alpha = std::numeric_limits<double>::quiet_NaN();   ///< mean over the plateau
  double spread = std::numeric_limits<double>::quiet_NaN();  ///< of alpha - 1: standard deviation over mean
  std::int64_t first_k = -1;                                 ///< the plateau is k = first_k ... 2 first_k
};

/// The Hill estimates at k = 10 ... N/2, k eigenvalues in the tail, and of all windows [k, 2k] the one over which alpha
/// - 1 varies least, relatively; of equal ones the first. A window has twice as large a k at its end as at its
/// beginning, as Drees, de Haan and Resnick plot the estimates over ln k (How to make a Hill plot, Annals of Statistics
/// 28, 2000). Estimates of tails that have no alpha (see hill) end the search. O(N^2).
///
/// @param eigenvalues  ascending, >= 0, finite
HillPlateau hill_plateau(std::span<const double> eigenvalues);

}  // namespace alphahill
