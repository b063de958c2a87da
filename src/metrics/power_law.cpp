#include "alphahill/metrics/power_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "alphahill/base/vector_register.hpp"

namespace alphahill {

namespace {

/// A tail and the power law through it.
struct FittedTail {
  const double* logarithms;  ///< ascending
  std::size_t length;
  double exponent;  ///< 1 - alpha, negative
  double limit;     ///< a distance beyond it need not be exact
};

template <int Bytes>
struct IntegersOf {
  typedef long long type __attribute__((vector_size(Bytes)));
};
template <class Vector>
using Integers = typename IntegersOf<sizeof(Vector)>::type;

/// Replaces x <= 0 by exp(x), to 1e-14; of less than -700 by that of -700. 2^k times the Taylor series of what x has more
/// than k ln 2, which is half of ln 2 at most.
template <class Vector>
[[gnu::always_inline]] inline void exponential(Vector& x) {
  constexpr double log2_e = 0x1.71547652b82fep+0;
  constexpr double ln_2 = 0x1.62e42fefa39efp-1;
  constexpr double rounder = 0x1.8p52;  // the sum with it has the nearest integer in its lowest bits
  constexpr std::array series{1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                              1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0,        1.0};
  x = x < -700 ? Vector{} - 700 : x;
  const Vector shifted = x * log2_e + rounder;
  const Vector rest = x - (shifted - rounder) * ln_2;
  Vector sum = Vector{} + series[0];
#pragma GCC unroll 16
  for (std::size_t i = 1; i < series.size(); ++i) sum = sum * rest + series[i];
  const Integers<Vector> scaled =
      reinterpret_cast<Integers<Vector>>(sum) + (reinterpret_cast<Integers<Vector>>(shifted) << 52);
  x = reinterpret_cast<Vector>(scaled);
}

/// Raises `largest` to the differences of the distributions at the values of these numbers; the tail's last one counts
/// for numbers behind it, as the logarithms there do.
template <class Vector>
[[gnu::always_inline]] inline void raise_to_differences(const FittedTail& tail, std::size_t first,
                                                        const Vector& numbers, Vector& largest) {
  const auto length = static_cast<double>(tail.length);
  const Vector number = numbers > length - 1 ? Vector{} + (length - 1) : numbers;
  Vector power;
  load(power, tail.logarithms + first);
  power = (power - tail.logarithms[0]) * tail.exponent;
  exponential(power);
  const Vector difference = 1 - power - number * (1 / length);
  const Vector magnitude = difference < 0 ? -difference : difference;
  largest = magnitude > largest ? magnitude : largest;
}

template <class Vector>
[[gnu::always_inline]] inline void distance(const FittedTail& tail, double& found) {
  constexpr std::size_t lanes = lanes_of<Vector>;
  constexpr std::size_t vectors_between_looks = 16;
  Vector largest{};
  Vector numbers{};
  for (int lane = 0; lane < lanes_of<Vector>; ++lane) numbers[lane] = lane;
  found = 0;
  for (std::size_t first = 0; first < tail.length && found <= tail.limit;) {
    for (std::size_t i = 0; i < vectors_between_looks && first < tail.length; ++i, first += lanes) {
      raise_to_differences(tail, first, numbers, largest);
      numbers += static_cast<double>(lanes);
    }
    for (int lane = 0; lane < lanes_of<Vector>; ++lane) found = largest[lane] > found ? largest[lane] : found;
  }
}

void distance_with_baseline(const FittedTail& tail, double& found) {
  distance<Register<16>>(tail, found);
}
ALPHAHILL_AVX2 void distance_with_avx2(const FittedTail& tail, double& found) {
  distance<Register<32>>(tail, found);
}
ALPHAHILL_AVX512 void distance_with_avx512(const FittedTail& tail, double& found) {
  distance<Register<64>>(tail, found);
}
constexpr std::array distance_with{distance_with_baseline, distance_with_avx2, distance_with_avx512};
constexpr std::size_t widest_register = 8;  // doubles

/// The tail whose power law is nearest to it, so far.
struct NearestTail {
  double distance = 2;    ///< more than any
  std::size_t first = 0;  ///< its smallest value
  double alpha = 0;
};

/// The tails of a spectrum and their power laws.
class Tails {
 public:
  /// @param values  ascending, > 0, two or more
  explicit Tails(std::span<const double> values) : count_(values.size()), sums_(count_) {
    for (const double value : values) logarithms_.push_back(std::log(value));
    // From the largest on, where all terms are >= 0.
    for (std::size_t i = count_ - 1; i-- > 0;) {
      sums_[i] = sums_[i + 1] + static_cast<double>(count_ - 1 - i) * (logarithms_[i + 1] - logarithms_[i]);
    }
    logarithms_.resize(count_ + widest_register, logarithms_.back());
  }

  /// Nothing where none can be told from equal values.
  std::optional<NearestTail> nearest() const {
    NearestTail nearest;
    // A few of them first, so that most of the others are left early.
    const std::size_t stride = 1 + count_ / 64;
    for (std::size_t i = 0; i + 1 < count_; i += stride) replace_by_nearer(nearest, i);
    for (std::size_t i = 0; i + 1 < count_; ++i) replace_by_nearer(nearest, i);
    return nearest.distance <= 1 ? std::optional(nearest) : std::nullopt;
  }

 private:
  /// @param i  where the tail begins
  void replace_by_nearer(NearestTail& nearest, std::size_t i) const {
    const auto length = static_cast<double>(count_ - i);
    const double indistinct = static_cast<double>(count_) * std::numeric_limits<double>::epsilon();
    if (sums_[i] <= length * indistinct) return;
    const double slope = length / sums_[i];
    double distance = 0;
    distance_with[static_cast<std::size_t>(vector_level())](
        {logarithms_.data() + i, count_ - i, -slope, nearest.distance}, distance);
    const bool is_nearer = distance < nearest.distance || (distance == nearest.distance && i < nearest.first);
    if (is_nearer) nearest = {distance, i, 1 + slope};
  }

  std::size_t count_;
  std::vector<double> sums_;        ///< sum_{j >= i} ln(x_j / x_i)
  std::vector<double> logarithms_;  ///< with repetitions of the last one behind them
};

}  // namespace

PowerLawFit fit_power_law(std::span<const double> eigenvalues) {
  const auto first_fitted = std::ranges::upper_bound(eigenvalues, smallest_fitted_eigenvalue);
  const std::span<const double> values(first_fitted, eigenvalues.end());
  if (values.size() < 2) return {};
  const auto nearest = Tails(values).nearest();
  if (!nearest) return {};
  const double x_min = values[nearest->first];
  return {
      .alpha = nearest->alpha,
      .x_min = x_min,
      .distance = nearest->distance,
      .standard_error = (nearest->alpha - 1) / std::sqrt(static_cast<double>(values.size() - nearest->first)),
      .tail_length = values.end() - std::ranges::lower_bound(values, x_min)};
}

}  // namespace alphahill
