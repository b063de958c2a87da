#include "alphahill/metrics/spectral_metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "metrics/spectra.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

std::vector<std::string> all_names() {
  const std::vector<std::string> all{"all"};
  return parse_spectral_metrics(all, "--metrics");
}

std::map<std::string, double> metrics_of(const std::vector<double>& eigenvalues, std::int64_t larger_side) {
  const std::vector<std::string> names = all_names();
  const std::vector<double> values = spectral_metrics(eigenvalues, larger_side, names);
  std::map<std::string, double> found;
  for (std::size_t i = 0; i < names.size(); ++i) found[names[i]] = values[i];
  return found;
}

/// Those of a spectrum that are numbers.
std::set<std::string> numbers_of(const std::vector<double>& eigenvalues) {
  std::set<std::string> names;
  for (const auto& [name, value] : metrics_of(eigenvalues, 8)) {
    if (!std::isnan(value)) names.insert(name);
  }
  return names;
}

TEST(SpectralMetrics, AreThoseOfWeightWatcherAndNumpy) {
  const std::map<std::string, double> expected{{"pl_alpha", 2.3133369162200887},
                                               {"D", 0.14332873580222716},
                                               {"xmin", 3.249},
                                               {"sigma", 0.1915698781183143},
                                               {"num_pl_spikes", 47},
                                               {"alpha_weighted", 4.575141026194579},
                                               {"log_alpha_norm", 4.773967173914413},
                                               {"norm", 533.35},
                                               {"log_norm", 2.7270122994267685},
                                               {"spectral_norm", 95},
                                               {"log_spectral_norm", 1.9777236052888478},
                                               {"stable_rank", 5.614210526315788},
                                               {"matrix_rank", 103},
                                               {"rank_loss", 0},
                                               {"weak_rank_loss", 0},
                                               {"sv_max", 9.746794344808963},
                                               {"sv_min", 0.03162277660168379},
                                               {"entropy", 0.7954469027749553},
                                               {"sigma_mp", 0.38740202989463024},
                                               {"mp_softrank", 0.018405930233240136},
                                               {"num_spikes", 56},
                                               {"effective_rank", 0.3874965944235305},
                                               {"participation_ratio", 17.47811960174458},
                                               {"hill_1pct", 2.5500623003231144},
                                               {"hill_2pct", 2.5500623003231144},
                                               {"hill_5pct", 2.5500623003231144},
                                               {"hill_10pct", 2.5500623003231144},
                                               {"hill_20pct", 3.0001546212945356},
                                               {"hill_50pct", 2.1386321235394075},
                                               {"hill_plateau", 2.946820101862719},
                                               {"hill_plateau_k", 14},
                                               {"hill_plateau_spread", 0.024090969215388978}};
  const auto found = metrics_of(squares_and_spikes(), 4 * 103);
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [name, value] : expected) EXPECT_NEAR(found.at(name), value, 1e-10 * value) << name;
}

TEST(SpectralMetrics, OfHostileSpectraAreFiniteOrNone) {
  for (const std::vector<double>& spectrum : hostile_spectra()) {
    for (const auto& [name, value] : metrics_of(spectrum, 200)) EXPECT_FALSE(std::isinf(value)) << name;
  }
}

TEST(SpectralMetrics, OfZerosAreThoseThatCountAndNoSpectrumHasNone) {
  EXPECT_EQ(numbers_of({}), std::set<std::string>{});
  EXPECT_EQ(numbers_of({0, 0, 0}), (std::set<std::string>{"norm", "spectral_norm", "matrix_rank", "rank_loss",
                                                          "sv_max", "sv_min", "weak_rank_loss"}));
}

TEST(SpectralMetrics, SumsDoNotOverflowBeforeTheFigureDoes) {
  const auto found = metrics_of(std::vector<double>(50, 1e308), 100);
  EXPECT_TRUE(std::isnan(found.at("norm")));
  EXPECT_NEAR(found.at("log_norm"), 308 + std::log10(50), 1e-12);
  EXPECT_NEAR(found.at("stable_rank"), 50, 1e-12);
  EXPECT_NEAR(found.at("participation_ratio"), 50, 1e-12);
}

TEST(SpectralMetrics, WhatTheGramMatrixCannotTellFromZeroIsNotCountedInTheRank) {
  const auto found = metrics_of({0, 1e-15, 1e-13, 1, 4}, 8);
  EXPECT_EQ(found.at("matrix_rank"), 3) << "N eps lambda_1 is 7e-15";
  EXPECT_EQ(found.at("rank_loss"), 2);
  EXPECT_EQ(found.at("weak_rank_loss"), 3);
  EXPECT_EQ(found.at("sv_min"), 0);
}

TEST(SpectralMetrics, AreAskedForByNameInEitherCaseAndComeInTheOrderOfTheTable) {
  const std::vector<std::string> names{"Stable_Rank", "d", "pl_alpha"};
  EXPECT_EQ(parse_spectral_metrics(names, "--metrics"),
            (std::vector<std::string>{"pl_alpha", "D", "stable_rank"}));
  EXPECT_EQ(all_names().size(), all_spectral_metrics().size());
}

TEST(SpectralMetrics, AnUnknownNameGetsTheNearestOnes) {
  const auto refusal_of = [](const std::string& name) {
    const std::vector<std::string> names{name};
    return thrown_by([&] { parse_spectral_metrics(names, "--metrics"); }).value();
  };
  EXPECT_STREQ(refusal_of("alpha").what(),
               "--metrics: 'alpha' is no metric, did you mean pl_alpha or alpha_weighted or log_alpha_norm? "
               "--help metrics lists all");
  EXPECT_STREQ(refusal_of("stablerank").what(),
               "--metrics: 'stablerank' is no metric, did you mean stable_rank? --help metrics lists all");
  EXPECT_EQ(refusal_of("x").fault(), Fault::usage);
}

TEST(SpectralMetrics, TheTableNamesEachOnce) {
  const std::string table = spectral_metrics_table();
  for (const SpectralMetric& metric : all_spectral_metrics()) {
    EXPECT_NE(table.find(std::string(metric.name) + ' '), std::string::npos);
    EXPECT_FALSE(metric.source.empty());
  }
}

}  // namespace
}  // namespace alphahill
