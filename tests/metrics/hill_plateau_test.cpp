#include "alphahill/metrics/hill_plateau.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "metrics/spectra.hpp"

namespace alphahill {
namespace {

TEST(HillPlateau, IsTheWindowOfLeastSpreadAsNumpyFindsIt) {
  const HillPlateau plateau = hill_plateau(squares_and_spikes());
  EXPECT_EQ(plateau.first_k, 14);
  EXPECT_NEAR(plateau.alpha, 2.946820101862719, 1e-12);
  EXPECT_NEAR(plateau.spread, 0.024090969215388978, 1e-12);
}

TEST(HillPlateau, OfPowersOfANumberIsWhereTheTailIsLongest) {
  // ln(lambda_i / lambda_{k+1}) = (k + 1 - i) ln 2, so that alpha - 1 = 2 / ((k + 1) ln 2).
  std::vector<double> eigenvalues;
  for (int i = 0; i < 44; ++i) eigenvalues.push_back(std::pow(2.0, i));
  const HillPlateau plateau = hill_plateau(eigenvalues);
  double sum = 0;
  for (std::int64_t k = plateau.first_k; k <= 2 * plateau.first_k; ++k) {
    sum += 2 / (static_cast<double>(k + 1) * std::log(2));
  }
  EXPECT_NEAR(plateau.alpha, 1 + sum / static_cast<double>(plateau.first_k + 1), 1e-12);
}

TEST(HillPlateau, ThereIsNoneOfShortOrFlatSpectra) {
  EXPECT_EQ(hill_plateau(std::vector<double>(100, 2.0)).first_k, -1);
  std::vector<double> low_rank(100, 0.0);
  for (std::size_t i = 85; i < 100; ++i) low_rank[i] = static_cast<double>(i);
  for (const std::vector<double>& none : {std::vector<double>{}, {1, 2, 3}, low_rank}) {
    const HillPlateau plateau = hill_plateau(none);
    EXPECT_TRUE(std::isnan(plateau.alpha) && std::isnan(plateau.spread));
    EXPECT_EQ(plateau.first_k, -1);
  }
}

}  // namespace
}  // namespace alphahill
