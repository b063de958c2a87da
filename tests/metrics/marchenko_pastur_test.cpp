#include "alphahill/metrics/marchenko_pastur.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "metrics/spectra.hpp"

namespace alphahill {
namespace {

TEST(MarchenkoPastur, IsThatOfWeightWatcher) {
  constexpr double rounding = 1e-10;
  const std::vector<double> eigenvalues = squares_and_spikes();
  const MarchenkoPasturFit fit = fit_marchenko_pastur(eigenvalues, 4);
  EXPECT_NEAR(fit.sigma, 0.38740202989463024, rounding);
  EXPECT_NEAR(fit.soft_rank, 0.018405930233240136, rounding);
  EXPECT_EQ(fit.spikes, 56);
  const MarchenkoPasturFit of_square = fit_marchenko_pastur(eigenvalues, 1);
  EXPECT_NEAR(of_square.sigma, 0.9383598318624363, rounding);
  EXPECT_NEAR(of_square.soft_rank, 0.1919774763336184, rounding);
  EXPECT_EQ(of_square.spikes, 3);
}

/// Quantiles of the law of variance 1 and aspect ratio Q.
std::vector<double> bulk(std::size_t count, double aspect_ratio) {
  const double least = std::pow(1 - 1 / std::sqrt(aspect_ratio), 2);
  const double most = std::pow(1 + 1 / std::sqrt(aspect_ratio), 2);
  constexpr int steps = 20'000;
  std::vector<double> eigenvalues;
  double below = 0;
  for (int i = 0; i < steps && eigenvalues.size() < count; ++i) {
    const double x = least + (most - least) * (i + 0.5) / steps;
    below += std::sqrt((most - x) * (x - least)) * aspect_ratio / (2 * std::numbers::pi * x) *
             (most - least) / steps;
    while (below > (static_cast<double>(eigenvalues.size()) + 0.5) / static_cast<double>(count)) {
      eigenvalues.push_back(x);
    }
  }
  return eigenvalues;
}

TEST(MarchenkoPastur, OfARandomMatrixIsItsOwnWithoutSpikes) {
  const std::vector<double> eigenvalues = bulk(500, 3);
  const MarchenkoPasturFit fit = fit_marchenko_pastur(eigenvalues, 3);
  EXPECT_NEAR(fit.sigma, 1, 0.02);
  EXPECT_NEAR(fit.soft_rank, 1, 0.05);
  EXPECT_EQ(fit.spikes, 0);
}

TEST(MarchenkoPastur, CountsTheSpikesAboveTheBulkWhateverTheScale) {
  for (const double scale : {1.0, 1e-200, 1e200}) {
    std::vector<double> eigenvalues = bulk(500, 3);
    eigenvalues.insert(eigenvalues.end(), {6, 7, 9});
    for (double& eigenvalue : eigenvalues) eigenvalue *= scale;
    EXPECT_EQ(fit_marchenko_pastur(eigenvalues, 3).spikes, 3) << scale;
  }
}

TEST(MarchenkoPastur, ThereIsNoneOfZeros) {
  for (const std::vector<double>& none : {std::vector<double>{}, {0}, {0, 0, 0}}) {
    const MarchenkoPasturFit fit = fit_marchenko_pastur(none, 2);
    EXPECT_TRUE(std::isnan(fit.sigma) && std::isnan(fit.soft_rank));
    EXPECT_EQ(fit.spikes, -1);
  }
}

}  // namespace
}  // namespace alphahill
