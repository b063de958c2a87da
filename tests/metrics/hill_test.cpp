#include "alphahill/metrics/hill.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace alphahill {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

/// count values 1, r, r^2, ...: ln(lambda_i / lambda_{k+1}) is (k + 1 - i) ln r, so the tail sum is k (k + 1)
/// / 2 ln r.
std::vector<double> geometric(std::int64_t count, double ratio) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(std::pow(ratio, static_cast<double>(i)));
  return values;
}

TEST(Hill, TheTailIsATenthAtLeastTenAndNeverAll) {
  EXPECT_EQ(tail_length(2, 0.1), 1);
  EXPECT_EQ(tail_length(11, 0.1), 10);
  EXPECT_EQ(tail_length(10, 0.1), 9);
  EXPECT_EQ(tail_length(384, 0.1), 38);
  EXPECT_EQ(tail_length(4096, 0.1), 409);
  EXPECT_EQ(tail_length(4096, 1.0), 4095);
}

TEST(Hill, AGeometricSpectrumHasTheAlphaOfItsClosedForm) {
  const HillEstimate estimate = hill(geometric(200, 1.1), 0.1);
  EXPECT_EQ(estimate.k_used, 20);
  const double alpha = 1 + 2 / (21 * std::log(1.1));
  EXPECT_NEAR(estimate.alpha, alpha, 100 * eps * alpha);
  EXPECT_NEAR(estimate.standard_error, (alpha - 1) / std::sqrt(20.0), 100 * eps);
  EXPECT_NEAR(estimate.error_bound, 200 * eps * std::pow(1.1, 20), 1e-6 * estimate.error_bound);
}

TEST(Hill, AlphaDoesNotDependOnTheScale) {
  std::vector<double> tiny = geometric(50, 1.3);
  for (double& value : tiny) value *= 0x1p-400;
  EXPECT_EQ(hill(tiny, 0.2).alpha, hill(geometric(50, 1.3), 0.2).alpha);
}

TEST(Hill, TwoEigenvaluesAreEnough) {
  EXPECT_NEAR(hill(std::vector<double>{1.0, std::numbers::e}, 0.1).alpha, 2.0, 4 * eps);
}

TEST(Hill, FewerThanTwoEigenvaluesHaveNoAlpha) {
  for (const auto& spectrum : {std::vector<double>{}, std::vector<double>{3.0}}) {
    const HillEstimate estimate = hill(spectrum, 0.1);
    EXPECT_TRUE(std::isnan(estimate.alpha));
    EXPECT_EQ(estimate.k_used, -1);
    EXPECT_EQ(estimate.no_alpha, "fewer than two eigenvalues");
  }
}

TEST(Hill, ZeroWeightsHaveNoAlpha) {
  EXPECT_EQ(hill(std::vector<double>(20, 0.0), 0.1).no_alpha, "all eigenvalues are zero");
}

TEST(Hill, ATailThatReachesTheRoundingNoiseHasNoAlpha) {
  std::vector<double> spectrum(20, 20 * eps);
  spectrum.back() = 1;
  EXPECT_EQ(hill(spectrum, 0.1).no_alpha, "eigenvalue k+1 cannot be told from zero");
  spectrum.assign(20, 20.001 * eps);
  spectrum.back() = 1;
  EXPECT_EQ(hill(spectrum, 0.1).no_alpha, "");
}

/// Of a Pareto distribution, ascending.
std::vector<double> pareto_spectrum(std::mt19937& random) {
  std::exponential_distribution<double> logarithm(2);
  std::vector<double> spectrum(1000);
  for (double& eigenvalue : spectrum) eigenvalue = std::exp(logarithm(random));
  std::ranges::sort(spectrum);
  return spectrum;
}

/// The spread of alpha's change over repeated samples, and the mean of its estimates.
template <class Change>
void expect_error_of_change(Change change) {
  constexpr int samples = 400;
  std::mt19937 random(5);
  double sum = 0;
  double squares = 0;
  double estimated = 0;
  for (int i = 0; i < samples; ++i) {
    const std::vector<double> before = pareto_spectrum(random);
    std::vector<double> after = before;
    for (double& eigenvalue : after) eigenvalue = change(eigenvalue, random);
    std::ranges::sort(after);
    const double moved = hill(after, 0.1).alpha - hill(before, 0.1).alpha;
    sum += moved;
    squares += moved * moved;
    estimated += change_standard_error(before, after, 0.1) / samples;
  }
  const double seen = std::sqrt((squares - sum * sum / samples) / (samples - 1));
  EXPECT_NEAR(estimated / seen, 1, 0.25);
}

TEST(Hill, TheErrorOfAChangeIsWhatRepeatedSamplesShow) {
  expect_error_of_change([](double eigenvalue, std::mt19937&) { return eigenvalue + 0.02; });
  expect_error_of_change([](double eigenvalue, std::mt19937&) { return eigenvalue + 0.3; });
  for (const double size : {1e-4, 1e-2}) {
    expect_error_of_change([size](double eigenvalue, std::mt19937& random) {
      return eigenvalue * std::exp(std::normal_distribution<double>(0, size)(random));
    });
  }
}

TEST(Hill, AChangeToTheSameSpectrumHasNoError) {
  EXPECT_EQ(change_standard_error(geometric(50, 1.3), geometric(50, 1.3), 0.2), 0);
  EXPECT_TRUE(std::isnan(change_standard_error(geometric(50, 1.3), std::vector<double>(50, 0.0), 0.2)));
}

TEST(Hill, AFlatTailHasNoAlpha) {
  EXPECT_EQ(hill(std::vector<double>(20, 2.0), 0.1).no_alpha,
            "the k+1 largest eigenvalues cannot be told apart");
}

}  // namespace
}  // namespace alphahill
