#include "alphahill/metrics/hill.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alphahill {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t shortest_tail = 10;

HillEstimate without_alpha(std::string reason, double error_bound) {
  return {.alpha = nan,
          .standard_error = nan,
          .k_used = -1,
          .error_bound = error_bound,
          .no_alpha = std::move(reason)};
}

}  // namespace

std::int64_t tail_length(std::int64_t count, double k_fraction) {
  const auto part = static_cast<std::int64_t>(k_fraction * static_cast<double>(count));
  return std::clamp(std::max(shortest_tail, part), std::int64_t{1}, count - 1);
}

HillEstimate hill(std::span<const double> eigenvalues, double k_fraction) {
  const auto count = static_cast<std::int64_t>(eigenvalues.size());
  if (count < 2) return without_alpha("fewer than two eigenvalues", nan);
  const std::int64_t k = tail_length(count, k_fraction);
  const double largest = eigenvalues.back();
  const auto tail = eigenvalues.last(static_cast<std::size_t>(k));
  const double next = eigenvalues[static_cast<std::size_t>(count - 1 - k)];
  const double relative_error = static_cast<double>(count) * std::numeric_limits<double>::epsilon();
  const double error_bound = next > 0 ? relative_error * largest / next : infinity;
  if (largest == 0) return without_alpha("all eigenvalues are zero", error_bound);
  if (next <= relative_error * largest) {
    return without_alpha("eigenvalue k+1 cannot be told from zero", error_bound);
  }
  double sum = 0;
  for (const double eigenvalue : tail) sum += std::log(eigenvalue / next);
  if (sum <= static_cast<double>(k) * relative_error) {
    return without_alpha("the k+1 largest eigenvalues cannot be told apart", error_bound);
  }
  const double alpha = 1 + static_cast<double>(k) / sum;
  return {.alpha = alpha,
          .standard_error = (alpha - 1) / std::sqrt(static_cast<double>(k)),
          .k_used = k,
          .error_bound = error_bound,
          .no_alpha = {}};
}

double change_standard_error(std::span<const double> eigenvalues, std::span<const double> others,
                             double k_fraction) {
  const HillEstimate one = hill(eigenvalues, k_fraction);
  const HillEstimate other = hill(others, k_fraction);
  if (one.k_used < 2 || other.k_used != one.k_used) return nan;
  const auto k = static_cast<std::size_t>(one.k_used);
  const auto count = static_cast<double>(k);
  // 1/m^2 each.
  const double weight = (one.alpha - 1) * (one.alpha - 1);
  const double weight_of_other = (other.alpha - 1) * (other.alpha - 1);
  const auto tail = eigenvalues.last(k + 1);
  const auto tail_of_other = others.last(k + 1);
  double sum = 0;
  double squares = 0;
  double squared_steps = 0;
  for (std::size_t i = 1; i <= k; ++i) {
    const double influence = std::log(tail[i] / tail[0]) * weight -
                             std::log(tail_of_other[i] / tail_of_other[0]) * weight_of_other;
    const double step = std::log(tail_of_other[i] / tail[i]) - std::log(tail_of_other[i - 1] / tail[i - 1]);
    sum += influence;
    squares += influence * influence;
    squared_steps += step * step;
  }
  const double variance = std::max(squares - sum * sum / count, 0.0) / (count - 1);
  return std::sqrt(variance / count + squared_steps / (2 * count) * weight * weight);
}

double alpha_change_bound(std::span<const double> eigenvalues, double k_fraction, double relative_error,
                          double e) {
  const HillEstimate estimate = hill(eigenvalues, k_fraction);
  if (!estimate.no_alpha.empty() || !std::isfinite(e)) return infinity;
  const auto k = static_cast<double>(estimate.k_used);
  const auto tail = eigenvalues.last(static_cast<std::size_t>(estimate.k_used + 1));
  const auto lowest = [&](double lambda) {
    return std::max(std::sqrt(lambda * (1 - relative_error)) - e, 0.0);
  };
  const auto highest = [&](double lambda) { return std::sqrt(lambda * (1 + relative_error)) + e; };
  double smallest_sum = 0;
  double largest_sum = 0;
  for (const double lambda : tail.subspan(1)) {
    smallest_sum += 2 * std::log(std::max(lowest(lambda) / highest(tail.front()), 1.0));
    largest_sum += 2 * std::log(highest(lambda) / lowest(tail.front()));
  }
  // Each sum is off by k eps of itself, each of its logarithms, of a quotient with some roundings, by 8 eps.
  const double rounding = 16 * k * std::numeric_limits<double>::epsilon();
  const double largest_alpha = 1 + k / (smallest_sum * (1 - rounding) - rounding);
  const double smallest_alpha = 1 + k / (largest_sum * (1 + rounding) + rounding);
  const bool has_bound = smallest_sum > 2 * rounding && largest_sum < infinity;
  return has_bound
             ? std::max(largest_alpha - estimate.alpha, estimate.alpha - smallest_alpha) / estimate.alpha
             : infinity;
}

}  // namespace alphahill
