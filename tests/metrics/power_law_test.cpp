#include "alphahill/metrics/power_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "metrics/spectra.hpp"

namespace alphahill {
namespace {

/// As the formulas say it.
PowerLawFit naive_fit(std::vector<double> x) {
  std::erase_if(x, [](double value) { return value <= smallest_fitted_eigenvalue; });
  PowerLawFit best;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const auto n = static_cast<double>(x.size() - i);
    double sum = 0;
    for (std::size_t j = i; j < x.size(); ++j) sum += std::log(x[j] / x[i]);
    if (sum <= n * static_cast<double>(x.size()) * std::numeric_limits<double>::epsilon()) continue;
    const double alpha = 1 + n / sum;
    double distance = 0;
    for (std::size_t j = i; j < x.size(); ++j) {
      const double difference = 1 - std::pow(x[j] / x[i], 1 - alpha) - static_cast<double>(j - i) / n;
      distance = std::max(distance, std::abs(difference));
    }
    if (distance < best.distance || std::isnan(best.distance)) {
      const auto length = std::ranges::count_if(x, [&](double value) { return value >= x[i]; });
      best = {alpha, x[i], distance, (alpha - 1) / std::sqrt(n), length};
    }
  }
  return best;
}

/// Of power-law, log-normal and uniform values, some with ties, some with zeros.
std::vector<double> random_spectrum(std::mt19937& random) {
  std::uniform_real_distribution<double> uniform(1e-6, 1);
  std::normal_distribution<double> normal;
  std::vector<double> eigenvalues(1 + random() % 70);
  const auto kind = random() % 3;
  for (double& eigenvalue : eigenvalues) {
    const double part = uniform(random);
    eigenvalue = kind == 0 ? std::pow(part, -0.7) : kind == 1 ? std::exp(2 * normal(random)) : part;
  }
  std::ranges::sort(eigenvalues);
  if (random() % 4 == 0) std::fill_n(eigenvalues.begin(), eigenvalues.size() / 3, 0.0);
  if (random() % 4 == 0 && eigenvalues.size() > 4) eigenvalues.end()[-2] = eigenvalues.back();
  return eigenvalues;
}

TEST(PowerLaw, IsThatOfLeastDistanceAsTheFormulasHaveIt) {
  constexpr double rounding = 1e-12;
  std::mt19937 random(19);
  for (int i = 0; i < 3000; ++i) {
    const std::vector<double> eigenvalues = random_spectrum(random);
    const PowerLawFit found = fit_power_law(eigenvalues);
    const PowerLawFit expected = naive_fit(eigenvalues);
    ASSERT_EQ(std::isnan(found.alpha), std::isnan(expected.alpha)) << "spectrum " << i;
    if (std::isnan(expected.alpha)) continue;
    ASSERT_NEAR(found.distance, expected.distance, rounding) << "spectrum " << i;
    ASSERT_EQ(found.x_min, expected.x_min) << "spectrum " << i;
    ASSERT_NEAR(found.alpha, expected.alpha, rounding * expected.alpha) << "spectrum " << i;
    ASSERT_NEAR(found.standard_error, expected.standard_error, rounding * expected.alpha);
    ASSERT_EQ(found.tail_length, expected.tail_length);
  }
}

TEST(PowerLaw, LongTailsAreMeasuredToTheirEnd) {
  std::vector<double> eigenvalues;
  for (int i = 600; i > 0; --i) eigenvalues.push_back(std::pow(i / 600.0, -0.5));
  const PowerLawFit found = fit_power_law(eigenvalues);
  const PowerLawFit expected = naive_fit(eigenvalues);
  EXPECT_NEAR(found.distance, expected.distance, 1e-12);
  EXPECT_EQ(found.x_min, expected.x_min);
}

TEST(PowerLaw, IsThatOfWeightWatcher) {
  constexpr double rounding = 1e-13;
  const PowerLawFit fit = fit_power_law(squares_and_spikes());
  EXPECT_NEAR(fit.alpha, 2.3133369162200887, rounding);
  EXPECT_NEAR(fit.distance, 0.14332873580222716, rounding);
  EXPECT_EQ(fit.x_min, 3.249);
  EXPECT_NEAR(fit.standard_error, 0.1915698781183143, rounding);
  EXPECT_EQ(fit.tail_length, 47);
}

TEST(PowerLaw, ThereIsNoneOfFewerThanTwoValuesOrOfEqualOnes) {
  for (const std::vector<double>& none :
       {std::vector<double>{}, {0, 5}, {0, 0}, {1e-6, 1e-5}, {7, 7, 7}, {7, std::nextafter(7.0, 8)}}) {
    const PowerLawFit fit = fit_power_law(none);
    EXPECT_TRUE(std::isnan(fit.alpha) && std::isnan(fit.distance) && std::isnan(fit.x_min));
    EXPECT_EQ(fit.tail_length, -1);
  }
}

TEST(PowerLaw, EqualLargestValuesAreLeftOutOfTheSearchAndCountedInTheTail) {
  const PowerLawFit fit = fit_power_law(std::vector<double>{1, 2, 2});
  EXPECT_EQ(fit.x_min, 1);
  EXPECT_NEAR(fit.alpha, 1 + 3 / (2 * std::log(2)), 1e-14);
  EXPECT_EQ(fit.tail_length, 3);
}

}  // namespace
}  // namespace alphahill
