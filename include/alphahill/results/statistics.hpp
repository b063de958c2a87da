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

}  // namespace alphahill
