/// Summary statistics of a column of figures, as pandas gives them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// NaN where there are too few values: fewer than two for `std`, none for the others.
struct Statistics {
  std::int64_t count = 0;
  double mean = no_figure;
  double std = no_figure;  ///< with n - 1 below
  double min = no_figure;
  double median = no_figure;
  double max = no_figure;
  double q25 = no_figure;
  double q75 = no_figure;
};

/// Of the values that are not NaN.
Statistics statistics_of(std::span<const double> values);

/// Quantile by linear interpolation, numpy's default. @param sorted  ascending, at least one value
double quantile(std::span<const double> sorted, double fraction);

/// Above it a spectrum counts as flat: the eigenvalues in the tail lie about 1% above lambda_{k+1} or less, in the
/// geometric mean, and alpha, 1 + 1 / the mean of their logarithms, tells no more than that.
inline constexpr double flat_alpha = 100;
constexpr bool is_flat(double alpha) {
  return alpha > flat_alpha;
}
/// NaN in place of those.
std::vector<double> without_flat(std::vector<double> alphas);

}  // namespace alphahill
