#include "alphahill/metrics/marchenko_pastur.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

namespace alphahill {

namespace {

struct DensityPoint {
  double place;
  double density;
};

/// The density of these values by a triangular kernel, where there is any to speak of.
std::vector<DensityPoint> smoothed_density(std::span<const double> values) {
  constexpr std::int64_t points = 1000;
  constexpr double half_width = 0.1;
  constexpr double least_density = 0.01;
  const double step = (values.back() + 0.5) / static_cast<double>(points - 1);
  std::vector<double> heights(points);
  for (const double value : values) {
    const auto first = std::max(std::int64_t{0}, static_cast<std::int64_t>((value - half_width) / step));
    const auto last = std::min(points - 1, static_cast<std::int64_t>((value + half_width) / step) + 1);
    for (std::int64_t i = first; i <= last; ++i) {
      const double distance = std::abs(static_cast<double>(i) * step - value);
      heights[static_cast<std::size_t>(i)] += std::max(0.0, 1 - distance / half_width);
    }
  }
  std::vector<DensityPoint> density;
  for (std::size_t i = 0; i < heights.size(); ++i) {
    const double height = heights[i] / half_width / static_cast<double>(values.size());
    if (height > least_density) density.push_back({static_cast<double>(i) * step, height});
  }
  return density;
}

/// How far the law of a sigma is from a density.
class Misfit {
 public:
  Misfit(std::vector<DensityPoint> density, double aspect_ratio)
      : density_(std::move(density)), aspect_ratio_(aspect_ratio) {
    peak_ = std::ranges::max_element(density_, {}, &DensityPoint::density)->place;
  }

  double operator()(double sigma) const {
    return aspect_ratio_ == 1 ? from_quarter_circle(sigma) : from_marchenko_pastur(sigma);
  }

 private:
  /// WeightWatcher's circle has the radius 2 whatever sigma is.
  double from_quarter_circle(double sigma) const {
    const double scale = 1 / (std::numbers::pi * sigma * sigma);
    double sum = 0;
    for (const auto& [place, density] : density_) {
      const double difference = (place <= 2 ? scale * std::sqrt(4 - place * place) : 0) - density;
      sum += difference * difference;
    }
    return sum;
  }

  double from_marchenko_pastur(double sigma) const {
    constexpr double beside_the_bulk = 1000;
    const double most = std::pow(sigma * (1 + std::sqrt(1 / aspect_ratio_)), 2);
    const double least = std::pow(sigma * (1 - std::sqrt(1 / aspect_ratio_)), 2);
    if (most < peak_ || most > density_.back().place || least > peak_) {
      return static_cast<double>(density_.size()) * beside_the_bulk * beside_the_bulk;
    }
    const double scale = 2 * std::numbers::pi * sigma * sigma / aspect_ratio_;
    double sum = 0;
    for (const auto& [place, density] : density_) {
      const double square = (most - place) * (place - least);
      const double difference = (square > 0 ? 1 / (scale * place) * std::sqrt(square) : 0) - density;
      sum += difference * difference;
    }
    return sum;
  }

  std::vector<DensityPoint> density_;
  double aspect_ratio_;
  double peak_;
};

struct Trial {
  double sigma;
  double misfit;
};

/// The best of sigmas from 0.05 to 2 times a scale, in steps of 0.01 of it.
Trial best_on_grid(const Misfit& misfit, double scale) {
  const double start = 0.05 * scale;
  const double step = 0.01 * scale;
  const auto count = static_cast<int>(std::ceil((2.0 * scale - start) / step));
  Trial best{start, misfit(start)};
  for (int i = 1; i < count; ++i) {
    const double sigma = i * step + start;
    const double found = misfit(sigma);
    if (found < best.misfit) best = {sigma, found};
  }
  return best;
}

/// One step of Nelder and Mead in one dimension: the worse trial is replaced.
/// @return how often the misfit was computed
int move_worse(const Misfit& misfit, const Trial& better, Trial& worse) {
  const auto trial = [&](double sigma) { return Trial{sigma, misfit(sigma)}; };
  const Trial reflected = trial(2 * better.sigma - worse.sigma);
  if (reflected.misfit < better.misfit) {
    const Trial expanded = trial(3 * better.sigma - 2 * worse.sigma);
    worse = expanded.misfit < reflected.misfit ? expanded : reflected;
    return 2;
  }
  const bool outside = reflected.misfit < worse.misfit;
  const Trial contracted =
      trial(outside ? 1.5 * better.sigma - 0.5 * worse.sigma : 0.5 * better.sigma + 0.5 * worse.sigma);
  const bool serves = outside ? contracted.misfit <= reflected.misfit : contracted.misfit < worse.misfit;
  worse = serves ? contracted : trial(better.sigma + 0.5 * (worse.sigma - better.sigma));
  return serves ? 2 : 3;
}

/// As SciPy's fmin, from which WeightWatcher has it: it ends where both trials are within 1e-4, so that another way to
/// the minimum would end elsewhere.
double refined(const Misfit& misfit, const Trial& start) {
  constexpr double tolerance = 1e-4;
  constexpr int most = 200;
  Trial better = start;
  Trial worse{1.05 * start.sigma, misfit(1.05 * start.sigma)};
  int computed = 2;
  for (int iteration = 1; iteration < most && computed < most; ++iteration) {
    if (worse.misfit < better.misfit) std::swap(better, worse);
    if (std::abs(worse.sigma - better.sigma) <= tolerance &&
        std::abs(worse.misfit - better.misfit) <= tolerance)
      break;
    computed += move_worse(misfit, better, worse);
  }
  return worse.misfit < better.misfit ? worse.sigma : better.sigma;
}

/// The eigenvalues over their mean; empty where that is 0.
std::vector<double> over_their_mean(std::span<const double> eigenvalues) {
  if (eigenvalues.empty() || eigenvalues.back() == 0) return {};
  std::vector<double> scaled;
  for (const double eigenvalue : eigenvalues) scaled.push_back(eigenvalue / eigenvalues.back());
  const double mean = std::accumulate(scaled.begin(), scaled.end(), 0.0) / static_cast<double>(scaled.size());
  for (double& eigenvalue : scaled) eigenvalue /= mean;
  return scaled;
}

}  // namespace

MarchenkoPasturFit fit_marchenko_pastur(std::span<const double> eigenvalues, double aspect_ratio) {
  const std::vector<double> scaled = over_their_mean(eigenvalues);
  if (scaled.empty()) return {};
  std::vector<double> fitted = scaled;
  if (aspect_ratio == 1) {
    for (double& value : fitted) value = std::sqrt(value);
  }
  std::vector<DensityPoint> density = smoothed_density(fitted);
  if (density.empty()) return {};
  const Misfit misfit(std::move(density), aspect_ratio);
  const double edge = 1 + 1 / std::sqrt(aspect_ratio);  // of the bulk, for sigma 1
  const double sigma = refined(misfit, best_on_grid(misfit, std::sqrt(scaled.back() / (edge * edge))));
  const double bulk_max = std::pow(sigma * edge, 2);
  const double tracy_widom = std::pow(bulk_max, 2.0 / 3) / std::sqrt(aspect_ratio) *
                             std::pow(static_cast<double>(scaled.size()), -2.0 / 3);
  return {.sigma = sigma,
          .soft_rank = bulk_max / scaled.back(),
          .spikes = scaled.end() - std::ranges::upper_bound(scaled, bulk_max + std::sqrt(tracy_widom))};
}

}  // namespace alphahill
