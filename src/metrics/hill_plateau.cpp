#include "alphahill/metrics/hill_plateau.hpp"

#include <cmath>
#include <vector>

namespace alphahill {

namespace {

constexpr std::int64_t least_k = 10;

/// alpha - 1 at k = least_k ..., as long as there is one; N/2 is the last k.
std::vector<double> estimates(std::span<const double> eigenvalues) {
  const auto count = std::ssize(eigenvalues);
  const double relative_error = static_cast<double>(count) * std::numeric_limits<double>::epsilon();
  std::vector<double> found;
  double sum = 0;  // of ln(lambda_i / lambda_{k+1}), i <= k
  for (std::int64_t k = 1; k <= count / 2; ++k) {
    const double next = eigenvalues[static_cast<std::size_t>(count - 1 - k)];
    if (next <= relative_error * eigenvalues.back()) break;
    sum += static_cast<double>(k) * std::log(eigenvalues[static_cast<std::size_t>(count - k)] / next);
    if (k < least_k) continue;
    if (sum <= static_cast<double>(k) * relative_error) break;
    found.push_back(static_cast<double>(k) / sum);
  }
  return found;
}

/// Mean and relative standard deviation.
struct Spread {
  double mean;
  double relative;
};

Spread spread_of(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / count) / mean};
}

}  // namespace

HillPlateau hill_plateau(std::span<const double> eigenvalues) {
  const std::vector<double> all = estimates(eigenvalues);
  HillPlateau plateau;
  for (std::int64_t k = least_k; 2 * k - least_k < std::ssize(all); ++k) {
    const auto window =
        std::span(all).subspan(static_cast<std::size_t>(k - least_k), static_cast<std::size_t>(k + 1));
    const Spread spread = spread_of(window);
    if (plateau.first_k < 0 || spread.relative < plateau.spread)
      plateau = {1 + spread.mean, spread.relative, k};
  }
  return plateau;
}

}  // namespace alphahill
