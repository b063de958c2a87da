#include "eigenvalue_checks.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

bool close(double sum, double expected, std::size_t count) {
  constexpr double c = 2;
  const double tolerance = c * static_cast<double>(count) * std::numeric_limits<double>::epsilon();
  return std::abs(sum - expected) <= tolerance * expected;
}

}  // namespace

void check_trace(std::span<const double> eigenvalues, double squared_norm_of_weights) {
  const double sum = std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0);
  if (close(sum, squared_norm_of_weights, eigenvalues.size())) return;
  throw Error(Fault::internal, "eigenvalues",
              fmt::format("their sum is {}, that of the squared weights {}", sum, squared_norm_of_weights));
}

void check_squares(std::span<const double> eigenvalues, double squared_norm_of_gram) {
  const double sum = std::inner_product(eigenvalues.begin(), eigenvalues.end(), eigenvalues.begin(), 0.0);
  if (close(sum, squared_norm_of_gram, eigenvalues.size())) return;
  throw Error(
      Fault::internal, "eigenvalues",
      fmt::format("their squares add up to {}, those of the matrix to {}", sum, squared_norm_of_gram));
}

}  // namespace alphahill
