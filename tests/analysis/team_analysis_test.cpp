/// A layer analysed by a team: the figures of one rank, and a failure that all members learn of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/base/error.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

const AnalysisSettings team_settings{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 1e-5};

std::vector<PrecisionFigures> figures_of(const WeightSource& matrix, int members,
                                         const AnalysisSettings& settings = team_settings) {
  std::vector<PrecisionFigures> figures;
  run_as_team(members, [&](Team& team) {
    auto mine = analyse(matrix, settings, *make_cpu_backend(), team);
    if (team.rank() == 0) figures = std::move(mine);
  });
  return figures;
}

constexpr double tolerance = 1e-9;

void expect_close(double found, double expected) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(found)) << found;
  } else {
    EXPECT_NEAR(found, expected, tolerance * expected);
  }
}

void expect_same_figures(const std::vector<PrecisionFigures>& found,
                         const std::vector<PrecisionFigures>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t p = 0; p < found.size(); ++p) {
    expect_close(found[p].squared_norm, expected[p].squared_norm);
    expect_close(found[p].cast_error, expected[p].cast_error);
    EXPECT_EQ(found[p].nonfinite, expected[p].nonfinite);
    ASSERT_EQ(found[p].shares.has_value(), expected[p].shares.has_value());
    if (found[p].shares) {
      EXPECT_EQ(found[p].shares->precision, expected[p].shares->precision);
      // What is left of nearly equal alphas.
      EXPECT_NEAR(found[p].shares->bound, expected[p].shares->bound, 1e-6 * expected[p].shares->bound);
    }
    ASSERT_EQ(found[p].spectrum.has_value(), expected[p].spectrum.has_value());
    if (!found[p].spectrum) continue;
    expect_close(found[p].spectrum->hill.alpha, expected[p].spectrum->hill.alpha);
    EXPECT_EQ(found[p].spectrum->method, expected[p].spectrum->method);
  }
}

class TeamAnalysis : public testing::TestWithParam<int> {};

TEST_P(TeamAnalysis, GivesTheFiguresOfOneRank) {
  for (const auto& [rows, cols] :
       {std::pair<std::int64_t, std::int64_t>{403, 211}, {211, 403}, {17, 60000}}) {
    const RowMajor matrix = random_matrix(rows, cols, 1);
    expect_same_figures(figures_of(stored(matrix), GetParam()), figures_of(stored(matrix), 1));
  }
}

/// Weights that fp32 takes for others: their exact figures, and those of the rounded ones.
TEST_P(TeamAnalysis, KeepsFp64WeightsThatAreLoadedAsTheyAre) {
  AnalysisSettings settings = usual;
  settings.load = ElementFormat::fp64;
  settings.precisions = {ElementFormat::fp64, ElementFormat::fp32};
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{403, 211}, {17, 60000}}) {
    const RowMajor matrix = random_matrix(rows, cols, 1);
    const RowMajor matrix_in_fp32 = rounded_to_fp32(matrix);
    const auto alone = figures_of(stored(matrix), 1, settings);
    EXPECT_EQ(alone[0].cast_error, 0);
    EXPECT_GT(alone[1].cast_error, 0);
    EXPECT_NEAR(alone[0].squared_norm, matrix.squaredNorm(), 1e-13 * matrix.squaredNorm());
    EXPECT_FALSE(alone[1].shares);
    const auto rounded = figures_of(stored(matrix_in_fp32), 1);
    EXPECT_NEAR(alone[1].spectrum->hill.alpha, rounded[0].spectrum->hill.alpha, 1e-12);
    expect_same_figures(figures_of(stored(matrix), GetParam(), settings), alone);
  }
}

TEST_P(TeamAnalysis, SharesWhatOneRankShares) {
  RowMajor matrix = (random_matrix(300, 200, 2) * 64).array().round() / 64;
  matrix(250, 20) = std::ldexp(1.0, -20) * 0x1.8p-5;
  const auto alone = figures_of(stored(matrix), 1);
  EXPECT_GT(alone[1].shares.value().bound, 0);
  expect_same_figures(figures_of(stored(matrix), GetParam()), alone);
}

/// Weights that fp16 and bf16 hold but for these first rows, which differ by a unit in the last place of
/// fp32.
RowMajor differing_in_rows(std::int64_t rows) {
  RowMajor matrix = (random_matrix(1200, 100, 2) * 16).array().round() / 16;
  matrix.topRows(rows) = matrix.topRows(rows).unaryExpr(
      [](double value) { return static_cast<double>(std::nextafter(static_cast<float>(value), 8.0F)); });
  return matrix;
}

TEST_P(TeamAnalysis, JudgesCastsThatDifferInFewRowsByTheWholeMatrix) {
  for (const std::int64_t rows : {70, 80}) {
    const RowMajor matrix = differing_in_rows(rows);
    const auto alone = figures_of(stored(matrix), 1);
    EXPECT_EQ(alone[1].shares.has_value(), rows == 70) << "a sixteenth of the rows is 75";
    expect_same_figures(figures_of(stored(matrix), GetParam()), alone);
  }
}

/// Singular values over 15 decades.
RowMajor ill_conditioned(std::int64_t rows, std::int64_t cols) {
  const Eigen::VectorXd singular = Eigen::VectorXd::NullaryExpr(cols, [cols](Eigen::Index i) {
    return std::pow(10.0, -15 * static_cast<double>(i) / static_cast<double>(cols));
  });
  return rounded_to_fp32(matrix_of(rows, cols, singular, 6));
}

/// Its Gram matrix leaves no tail, at a k that its SVD has one for.
AnalysisSettings far_into_the_spectrum() {
  AnalysisSettings settings = team_settings;
  settings.k_fraction = 0.3;
  return settings;
}

TEST_P(TeamAnalysis, ComputesAnSvdTogetherWhereItDoesNotFitIntoOneRank) {
  const RowMajor matrix = ill_conditioned(700, 600);
  const std::int64_t needed = peak_bytes(stored(matrix).shape());
  AnalysisSettings limited = far_into_the_spectrum();
  const auto alone = figures_of(stored(matrix), 1, limited);
  for (limited.memory = needed - 1; limited.memory <= needed; ++limited.memory) {
    const bool fits = limited.memory == needed;
    const auto found = figures_of(stored(matrix), GetParam(), limited);
    for (std::size_t p = 0; p < alone.size(); ++p) {
      ASSERT_TRUE(found[p].spectrum) << found[p].failed_methods;
      EXPECT_EQ(alone[p].spectrum->method, Method::svd_full);
      EXPECT_EQ(found[p].spectrum->method, fits ? Method::svd_full : Method::svd_scalapack);
      expect_close(found[p].spectrum->hill.alpha, alone[p].spectrum->hill.alpha);
    }
  }
}

TEST_P(TeamAnalysis, SaysWhatItsMembersLackForAnSvd) {
  const RowMajor matrix = ill_conditioned(700, 600);
  AnalysisSettings limited = far_into_the_spectrum();
  limited.memory = 1 << 20;
  for (const PrecisionFigures& figures : figures_of(stored(matrix), GetParam(), limited)) {
    EXPECT_FALSE(figures.spectrum);
    EXPECT_THAT(figures.failed_methods, testing::ContainsRegex("svd_scalapack: .*which have 1.0 MiB"));
  }
}

TEST_P(TeamAnalysis, FallsBackToTheSvd) {
  const RowMajor matrix = ill_conditioned(50, 30);
  expect_same_figures(figures_of(stored(matrix), GetParam()), figures_of(stored(matrix), 1));
}

TEST_P(TeamAnalysis, CountsNanAndInfOfAllMembers) {
  RowMajor matrix = random_matrix(1000, 9, 3);
  matrix(2, 3) = std::nan("");
  matrix(998, 3) = 1e300;
  expect_same_figures(figures_of(stored(matrix), GetParam()), figures_of(stored(matrix), 1));
}

TEST_P(TeamAnalysis, AFailureToReadOnOneMemberEndsAllWithItsReason) {
  const RowMajor matrix = random_matrix(4000, 2000, 4);
  const PlainWeights whole = stored(matrix);
  const PlainWeights failing(whole.shape(), [&](const Block& block, std::span<std::byte> bytes) {
    if (block.row > 0) throw Error(Fault::input, "model.safetensors", "the file has become shorter");
    whole.read(block, bytes);
  });
  run_as_team(GetParam(), [&](Team& team) {
    try {
      analyse(failing, team_settings, *make_cpu_backend(), team);
      ADD_FAILURE() << "no error on member " << team.rank();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_THAT(error.what(), testing::HasSubstr("the file has become shorter"));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamAnalysis, testing::Values(2, 3, 4));

}  // namespace
}  // namespace alphahill
