#include "alphahill/analysis/analysis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "alphahill/formats/cast.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "support/matrices.hpp"

namespace alphahill {
namespace {

const AnalysisSettings four{
    ElementFormat::fp32,
    {ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16},
    0.1,
    0};

std::vector<PrecisionFigures> figures_of(const RowMajor& matrix, const AnalysisSettings& settings = four) {
  SingleRank alone;
  return analyse(stored(matrix), settings, *make_cpu_backend(), alone);
}

TEST(Analysis, PrecisionsWithTheSameBitsShareOneDecomposition) {
  const auto figures = figures_of(random_matrix(60, 30, 1));
  EXPECT_FALSE(figures[0].shares);
  EXPECT_EQ(figures[1].shares->precision, 0U);
  EXPECT_FALSE(figures[1].spectrum);
  EXPECT_FALSE(figures[2].shares);
  EXPECT_FALSE(figures[3].shares);
  EXPECT_NE(figures[2].spectrum->hill.alpha, figures[3].spectrum->hill.alpha);
}

TEST(Analysis, AShareIsWithTheFirstOfItsKind) {
  const RowMajor halves = (random_matrix(20, 20, 2) * 8).array().round() / 8;
  const auto figures = figures_of(halves);
  for (std::size_t p = 1; p < 4; ++p) EXPECT_EQ(figures[p].shares->precision, 0U);
}

TEST(Analysis, LoadingComesBeforeEachPrecision) {
  const auto figures = figures_of(random_matrix(40, 20, 3), {ElementFormat::bf16, four.precisions, 0.1, 0});
  for (std::size_t p = 1; p < 4; ++p)
    EXPECT_EQ(figures[p].shares->precision, 0U) << "every format here holds bf16 values";
  EXPECT_GT(figures[0].cast_error, 1e-4) << "against the stored weights";
}

TEST(Analysis, AnOverflowAtOnePrecisionLeavesTheOthersAlone) {
  RowMajor matrix = random_matrix(30, 30, 4);
  matrix(3, 5) = 70000;
  const auto figures = figures_of(matrix);
  EXPECT_EQ(figures[2].nonfinite, 1);
  EXPECT_FALSE(figures[2].spectrum);
  EXPECT_FALSE(figures[2].shares);
  EXPECT_GT(figures[3].spectrum->hill.alpha, 1);
}

/// By one rank that has the first `stored` precisions from an earlier run.
std::vector<PrecisionFigures> figures_with_stored(const RowMajor& matrix, const AnalysisSettings& settings,
                                                  std::size_t stored_precisions) {
  SingleRank alone;
  const auto backend = make_cpu_backend();
  const auto weights = stored(matrix);
  Analysis analysis(weights, settings, *backend, alone, stored_precisions);
  while (analysis.step()) {
  }
  return std::move(analysis).figures();
}

/// fp32 and int4 with spectra, nvfp4 surveyed.
AnalysisSettings settings_with_survey() {
  return {.load = ElementFormat::fp32,
          .precisions = {ElementFormat::fp32, parse_precision("int4", "")},
          .k_fraction = 0.1,
          .share_tolerance = 1e-5,
          .survey = {parse_precision("nvfp4", "")}};
}

TEST(Analysis, OfSurveyedPrecisionsThereAreTheErrorsOfAWholeAnalysisAndNoSpectrum) {
  AnalysisSettings whole = settings_with_survey();
  whole.precisions.push_back(whole.survey[0]);
  whole.survey.clear();
  const RowMajor matrix = random_matrix(64, 48, 6);
  const auto expected = figures_of(matrix, whole);
  AnalysisSettings survey = settings_with_survey();
  const auto found = figures_of(matrix, survey);
  survey.survey = survey.all_precisions();
  survey.precisions.clear();
  const auto none = figures_of(matrix, survey);
  ASSERT_EQ(found.size(), 3U);
  ASSERT_EQ(none.size(), 3U);
  EXPECT_TRUE(found[2].surveyed && !found[2].spectrum && found[1].spectrum && !found[1].surveyed);
  EXPECT_GT(none[0].survey_seconds, 0);
  for (std::size_t p = 0; p < 3; ++p) {
    EXPECT_TRUE(none[p].surveyed && !none[p].spectrum);
    for (const auto& figures : {found, none}) {
      EXPECT_EQ(figures[p].cast_error, expected[p].cast_error);
      EXPECT_EQ(figures[p].largest_error, expected[p].largest_error);
      EXPECT_EQ(figures[p].zeroed, expected[p].zeroed);
      EXPECT_EQ(figures[p].squared_norm, expected[p].squared_norm);
    }
  }
}

TEST(Analysis, StoredPrecisionsAreNotComputedAgain) {
  const RowMajor matrix =
      random_matrix(128, 96, 6);  // so large that nearly equal and wholly different can be told apart
  const auto expected = figures_of(matrix, settings_with_survey());
  const auto found = figures_with_stored(matrix, settings_with_survey(), 1);
  EXPECT_TRUE(found[0].stored && !found[0].spectrum);
  EXPECT_FALSE(found[1].stored);
  EXPECT_EQ(found[1].spectrum->eigenvalues, expected[1].spectrum->eigenvalues);
  EXPECT_EQ(found[2].cast_error, expected[2].cast_error);
  const auto all_stored = figures_with_stored(matrix, settings_with_survey(), 2);
  EXPECT_TRUE(all_stored[1].stored && !all_stored[1].spectrum);
  EXPECT_EQ(all_stored[2].cast_error, expected[2].cast_error);
}

/// Figures do not depend on which precisions an earlier run had.
TEST(Analysis, StoredPrecisionsAreComputedAgainWhereALaterOneSharesTheirSpectrumOrMight) {
  AnalysisSettings settings = settings_with_survey();
  settings.precisions = {ElementFormat::fp64, ElementFormat::fp32};
  const RowMajor floats = random_matrix(64, 48, 6).cast<float>().cast<double>();
  const auto equal_bits = figures_with_stored(floats, settings, 1);
  EXPECT_FALSE(equal_bits[0].stored);
  EXPECT_EQ(equal_bits[1].shares->bound, 0);
  settings.precisions = {ElementFormat::fp32, ElementFormat::fp16};
  settings.share_tolerance = 1e-3;
  const auto nearly = figures_with_stored(floats, settings, 1);
  EXPECT_FALSE(nearly[0].stored);
  EXPECT_GT(nearly[1].shares->bound, 0);
  settings.share_tolerance = 0;
  EXPECT_TRUE(figures_with_stored(floats, settings, 1)[0].stored);
}

TEST(Analysis, AWellConditionedLayerStaysWithTheGramMatrix) {
  const auto figures = figures_of(random_matrix(64, 64, 5));
  EXPECT_EQ(figures[0].spectrum->method, Method::gram_eigen);
  EXPECT_LT(figures[0].spectrum->error_bound, largest_gram_error);
}

/// Beyond 1e-9 by the bound, N eps lambda_1 / lambda_{k+1}, far below it by what roundings add up to.
TEST(Analysis, ALargeEigenvalueDoesNotTakeAnSvd) {
  constexpr std::int64_t order = 400;
  RowMajor matrix = random_matrix(order, order, 12) / std::sqrt(order);
  matrix += 300 * random_matrix(order, 1, 13) * random_matrix(1, order, 14) / order;
  const auto figures = figures_of(matrix, {ElementFormat::fp32, {ElementFormat::fp32}, 0.1, 0});
  const Spectrum& spectrum = *figures[0].spectrum;
  EXPECT_EQ(spectrum.method, Method::gram_eigen);
  EXPECT_GT(spectrum.error_bound, largest_gram_error);
  const Eigen::VectorXd exact = squared_singular_values_by_eigen(rounded_to_fp32(matrix));
  const double alpha = hill({exact.data(), order}, 0.1).alpha;
  EXPECT_NEAR(spectrum.hill.alpha, alpha, largest_gram_error * alpha);
}

TEST(Analysis, AnIllConditionedLayerIsDoneAgainBySvd) {
  const Eigen::VectorXd singular = Eigen::VectorXd::NullaryExpr(
      30, [](Eigen::Index i) { return std::pow(10.0, -static_cast<double>(i) / 2); });
  const RowMajor matrix = rounded_to_fp32(matrix_of(50, 30, singular, 6));
  const auto figures = figures_of(matrix);
  EXPECT_EQ(figures[0].spectrum->method, Method::svd_full);
  const Eigen::VectorXd exact = squared_singular_values_by_eigen(matrix);
  const double alpha = hill({exact.data(), 30}, 0.1).alpha;
  EXPECT_NEAR(figures[0].spectrum->hill.alpha, alpha, 1e-9 * alpha);
}

TEST(Analysis, ALayerOfZerosIsNotWorthAnSvd) {
  const auto figures = figures_of(RowMajor::Zero(20, 30));
  EXPECT_EQ(figures[0].spectrum->method, Method::gram_eigen);
  EXPECT_EQ(figures[0].spectrum->hill.no_alpha, "all eigenvalues are zero");
}

TEST(Analysis, LongSumsOfShortLayersAddUp) {
  for (const std::int64_t rows : {1, 2, 3}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      for (const auto& figures : figures_of(random_matrix(rows, 151937, seed))) {
        EXPECT_TRUE(figures.spectrum || figures.shares) << rows << " rows, seed " << seed;
      }
    }
    EXPECT_NO_THROW(figures_of(RowMajor::Constant(rows, 151937, 0.1)));
  }
}

TEST(Analysis, SquaredNormIsTheSumOfTheEigenvalues) {
  const auto figures = figures_of(random_matrix(80, 50, 8));
  for (const std::size_t p : {0, 2, 3}) {
    double trace = 0;
    for (const double eigenvalue : figures[p].spectrum->eigenvalues) trace += eigenvalue;
    EXPECT_NEAR(figures[p].squared_norm, trace, 50 * std::numeric_limits<double>::epsilon() * trace);
  }
}

/// Values of bf16, one in some hundred below the range of fp16.
RowMajor bf16_matrix(std::int64_t rows, std::int64_t cols, unsigned seed) {
  const RowMajor fine = random_matrix(rows, cols, seed) * 0.02;
  std::vector<float> values(fine.data(), fine.data() + fine.size());
  cast(ElementFormat::bf16, std::vector<float>(values), values);
  return Eigen::Map<Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(values.data(), rows, cols).cast<double>();
}

TEST(Analysis, CastsThatHardlyDifferShareWithinTheTolerance) {
  const RowMajor matrix = bf16_matrix(300, 200, 9);
  const AnalysisSettings sharing{ElementFormat::fp32, four.precisions, 0.1, 1e-5};
  const auto shared = figures_of(matrix, sharing);
  const auto apart = figures_of(matrix);
  for (std::size_t p = 1; p < 4; ++p) EXPECT_EQ(shared[p].shares->precision, 0U);
  EXPECT_EQ(shared[1].shares->bound, 0);
  EXPECT_EQ(shared[3].shares->bound, 0);
  const double alpha = apart[0].spectrum->hill.alpha;
  const double change = std::abs(apart[2].spectrum->hill.alpha - alpha) / alpha;
  EXPECT_GT(change, 0);
  EXPECT_LE(change, shared[2].shares->bound);
  EXPECT_LE(shared[2].shares->bound, sharing.share_tolerance);
}

TEST(Analysis, ADenseRoundingIsNotShared) {
  const auto figures =
      figures_of(random_matrix(400, 400, 10), {ElementFormat::fp32, four.precisions, 0.1, 1e-5});
  EXPECT_EQ(figures[1].shares->precision, 0U);
  EXPECT_FALSE(figures[2].shares);
  EXPECT_FALSE(figures[3].shares);
}

}  // namespace
}  // namespace alphahill
