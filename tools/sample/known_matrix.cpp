#include "sample/known_matrix.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <span>

#include "alphahill/formats/cast.hpp"

namespace alphahill::sample {

namespace {

using Random = std::mt19937_64;

/// A generator of its own for each tensor, so that no matrix depends on the others (FNV-1a of the name).
Random random_for(const Tensor& tensor, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325U ^ seed;
  for (const char letter : tensor.name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3U;
  return Random(hash);
}

/// Uniform in [0, 1); the standard distributions differ between libraries.
double uniform(Random& random) {
  return std::ldexp(static_cast<double>(random() >> 11), -53);
}

/// Quantiles, one from each of `count` equal parts of the distribution, of d where d^2 has the Pareto tail
/// exponent alpha - 1; in random order.
std::vector<double> pareto_factors(const Tensor& tensor, std::size_t count, Random& random) {
  std::vector<double> factors;
  for (std::size_t i = 0; i < count; ++i) {
    const double survival = (static_cast<double>(i) + 1 - uniform(random)) / static_cast<double>(count);
    factors.push_back(tensor.scale * std::pow(survival, -0.5 / (tensor.alpha - 1)));
  }
  for (std::size_t left = count; left > 1; --left) std::swap(factors[random() % left], factors[left - 1]);
  return factors;
}

std::vector<bool> random_signs(std::size_t count, Random& random) {
  std::vector<bool> signs(count);
  for (std::size_t i = 0; i < count; ++i) signs[i] = random() & 1;
  return signs;
}

/// The factors as an analysis sees them: stored, loaded as fp32, cast to the precision.
std::vector<float> cast_factors(const std::vector<double>& factors, ElementFormat stored,
                                ElementFormat precision) {
  std::vector<float> loaded(factors.size()), seen(factors.size());
  cast_loaded(stored == ElementFormat::fp64 ? ElementFormat::fp32 : stored, factors, loaded);
  cast(precision, loaded, seen);
  return seen;
}

}  // namespace

KnownMatrix::KnownMatrix(const Tensor& tensor, std::uint64_t seed) : wide_(tensor.rows < tensor.cols) {
  Random random = random_for(tensor, seed);
  const auto [short_side, long_side] = std::minmax(tensor.rows, tensor.cols);
  factors_ = pareto_factors(tensor, static_cast<std::size_t>(short_side), random);
  long_side_signs_ = random_signs(static_cast<std::size_t>(long_side), random);
  short_side_signs_ = random_signs(static_cast<std::size_t>(short_side), random);
}

double KnownMatrix::at(std::int64_t row, std::int64_t col) const {
  const auto i = static_cast<std::size_t>(wide_ ? col : row);
  const auto j = static_cast<std::size_t>(wide_ ? row : col);
  const std::size_t r = i % factors_.size();
  const bool hadamard = std::popcount(r & j) % 2 == 1;
  const bool negative = (hadamard != long_side_signs_[i]) != short_side_signs_[j];
  return negative ? -factors_[r] : factors_[r];
}

KnownFigures known_figures(const Tensor& tensor, std::uint64_t seed, ElementFormat stored,
                           ElementFormat precision) {
  std::vector<float> d = cast_factors(KnownMatrix(tensor, seed).factors(), stored, precision);
  std::ranges::sort(d, std::greater<>());
  const auto count = static_cast<std::int64_t>(d.size());
  const std::int64_t k = std::clamp<std::int64_t>(std::max<std::int64_t>(10, count / 10), 1, count - 1);
  const long double threshold = d[static_cast<std::size_t>(k)];
  long double sum = 0;
  for (const float value : std::span(d).first(static_cast<std::size_t>(k)))
    sum += 2 * std::log(value / threshold);
  return {static_cast<double>(1 + static_cast<long double>(k) / sum), k, count};
}

}  // namespace alphahill::sample
