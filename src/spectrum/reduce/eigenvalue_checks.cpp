#include "alphahill/spectrum/eigenvalue_checks.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

bool close(double sum, double expected, std::int64_t terms) {
  constexpr double c = 2;
  constexpr std::int64_t least_terms = 16;  // the few roundings of the smallest matrices are not independent
  const double tolerance =
      c * static_cast<double>(terms + least_terms) * std::numeric_limits<double>::epsilon();
  return std::abs(sum - expected) <= tolerance * expected;
}

}  // namespace

void check_trace(std::span<const double> eigenvalues, double squared_norm_of_weights, std::int64_t rows,
                 std::int64_t cols) {
  const double sum = std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0);
  if (close(sum, squared_norm_of_weights, rows + cols + rows * cols / 1024)) return;
  throw Error(Fault::internal, "eigenvalues",
              fmt::format("their sum is {}, that of the squared weights {}", sum, squared_norm_of_weights));
}

void check_against_gram(std::span<const double> by_svd, std::span<const double> by_gram, std::int64_t rows,
                        std::int64_t cols) {
  constexpr double c = 10;
  const double tolerance =
      c * static_cast<double>(rows + cols) * std::numeric_limits<double>::epsilon() * by_gram.back();
  for (std::size_t i = 0; i < by_gram.size(); ++i) {
    if (std::abs(by_svd[i] - by_gram[i]) <= tolerance) continue;
    throw Error(Fault::internal, "squared singular values",
                fmt::format("one is {}, by the Gram matrix {}", by_svd[i], by_gram[i]));
  }
}

void check_squares(std::span<const double> eigenvalues, double squared_norm_of_gram) {
  const double sum = std::inner_product(eigenvalues.begin(), eigenvalues.end(), eigenvalues.begin(), 0.0);
  if (close(sum, squared_norm_of_gram, std::ssize(eigenvalues))) return;
  throw Error(
      Fault::internal, "eigenvalues",
      fmt::format("their squares add up to {}, those of the matrix to {}", sum, squared_norm_of_gram));
}

}  // namespace alphahill
