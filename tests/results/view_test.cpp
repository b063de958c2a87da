#include "alphahill/results/view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "alphahill/metrics/hill.hpp"
#include "alphahill/results/sensitivity.hpp"
#include "results/sample_run.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Selection selection_of(std::vector<std::string> precisions, std::string filter = {}) {
  Selection selection;
  selection.precisions = std::move(precisions);
  selection.filter_layers = std::move(filter);
  return selection;
}

Selection at_k_frac(double k_frac) {
  Selection selection;
  selection.k_frac = k_frac;
  return selection;
}

TEST(View, ShowsTheWholeRunByDefault) {
  const SampleRun sample = sample_run(9, {"fp32", "bf16"});
  const ReportView view = view_of(sample);
  ASSERT_EQ(view.layers.size(), 9U);
  EXPECT_EQ(view.layers[8].number, 9);
  EXPECT_EQ(view.layers[8].figures[1].alpha, sample.rows[17].alpha);
  EXPECT_EQ(view.k_frac, 0.1);
}

TEST(View, FilterIsFoundAnywhereInTheNameAndNumbersStay) {
  const ReportView view = view_of(sample_run(14, {"fp32"}), selection_of({}, R"(\.1\..*(q|k)_proj$)"));
  ASSERT_EQ(view.layers.size(), 2U);
  EXPECT_EQ(view.layers[0].layer.name, "model.layers.1.self_attn.q_proj");
  EXPECT_EQ(view.layers[0].number, 8);
}

/// A run that has more than was asked for last: of two blocks the attention, of that not the v projections.
SampleRun run_asked_for_less() {
  SampleRun sample = sample_run(14, {"fp32", "fp16", "bf16"});
  sample.asked = {{"bf16", "fp32"}, "self_attn", false};
  sample.run.layers[2].predicts_further_tokens = sample.run.layers[9].predicts_further_tokens = true;
  return sample;
}

TEST(View, ShowsByDefaultWhatTheRunAskedFor) {
  const ReportView view = view_of(run_asked_for_less());
  EXPECT_EQ(view.precisions, (std::vector<std::string>{"bf16", "fp32"}));
  ASSERT_EQ(view.layers.size(), 6U);
  EXPECT_EQ(view.layers[2].number, 4);
  EXPECT_EQ(view.filter_layers, "self_attn");
  EXPECT_TRUE(view.all_layers);
  EXPECT_TRUE(view.all_precisions);
}

TEST(View, AFilterSelectsFromAllLayersOfTheRun) {
  const ReportView all = view_of(run_asked_for_less(), selection_of({"fp16"}, ""));
  EXPECT_EQ(all.layers.size(), 14U);
  EXPECT_FALSE(all.all_layers);
  EXPECT_FALSE(all.all_precisions);
  EXPECT_EQ(view_of(run_asked_for_less(), selection_of({}, "v_proj")).layers.size(), 2U);
}

TEST(View, LayersWithFewEigenvaluesHaveNoFigureAndSayWhy) {
  SampleRun sample = sample_run(4, {"fp32", "bf16"});
  sample.run.layers[1].out_features = 2;
  sample.run.layers[2].in_features = 10;
  sample.rows[3] = failed_row(2, "bf16", "NaN among the weights");
  Selection selection;
  selection.min_eigenvalues = 10;
  const ReportView view = view_of(sample, selection);
  ASSERT_EQ(view.layers.size(), 4U);
  const ReportedLayer& head = view.layers[1];
  EXPECT_TRUE(head.few_eigenvalues);
  EXPECT_TRUE(std::isnan(head.reference_alpha));
  EXPECT_TRUE(std::isnan(head.figures[0].alpha));
  EXPECT_TRUE(std::isnan(head.figures[0].alpha_stderr));
  EXPECT_EQ(head.figures[0].k_used, -1);
  EXPECT_EQ(head.figures[0].n_eigs, -1);
  EXPECT_EQ(head.figures[0].status, Status::few_eigenvalues);
  EXPECT_EQ(head.figures[0].reason, "fewer than 10 eigenvalues (--min-eigenvalues)");
  EXPECT_EQ(head.figures[1].status, Status::nonfinite) << "it had no figure before";
  EXPECT_FALSE(view.layers[2].few_eigenvalues) << "it has 10";
  EXPECT_EQ(view.layers[2].figures[0].alpha, sample.rows[4].alpha);
}

TEST(View, SaysWhetherItLeavesOutPrecisionsOrLayers) {
  const SampleRun sample = sample_run(14, {"fp32", "bf16"});
  const ReportView whole = view_of(sample, selection_of({"fp32", "bf16"}, "proj"));
  EXPECT_TRUE(whole.all_precisions);
  EXPECT_TRUE(whole.all_layers);
  EXPECT_FALSE(view_of(sample, selection_of({"bf16", "fp32"})).all_precisions) << "another order";
  EXPECT_FALSE(view_of(sample, selection_of({}, "q_proj")).all_layers);
}

TEST(View, ChangesAreRelativeToTheWidestPrecisionOfTheRunEvenWhereItIsNotShown) {
  const SampleRun sample = sample_run(1, {"bf16", "fp64", "fp16"});
  const ReportView view = view_of(sample, selection_of({"fp16", "bf16"}));
  EXPECT_EQ(view.reference, "fp64");
  EXPECT_EQ(view.layers[0].reference_alpha, sample.rows[1].alpha);
  EXPECT_EQ(view.layers[0].figures[0].precision, "fp16");
}

TEST(View, TheWidestOfPrecisionsWithScalesIsTheOneOfMostBits) {
  EXPECT_EQ(view_of(sample_run(2, {"int2", "nvfp4", "int4", "int8"})).reference, "int8");
  EXPECT_EQ(view_of(sample_run(2, {"int8_g32", "bf16"})).reference, "bf16");
}

TEST(View, ChangesAreRelativeToTheLoadDtypeBeforeAWiderOneThatRoundsItAgainAndToTheBaseBeforeAll) {
  SampleRun sample = sample_run(2, {"fp16", "bf16"});
  EXPECT_EQ(view_of(sample).reference, "fp16");
  sample.run.load_dtype = "bf16";
  EXPECT_EQ(view_of(sample).reference, "bf16");
  Selection selection;
  selection.base = "fp16";
  EXPECT_EQ(view_of(sample, selection).reference, "fp16");
  selection.base = "fp32";
  EXPECT_STREQ(thrown_by([&] { view_of(sample, selection); }).value().what(),
               "--base: the run has fp16, bf16, found 'fp32'");
}

TEST(View, ErrorsOfChangesAreThoseOfTheStoredSpectra) {
  SampleRun sample = sample_run(1, {"fp32", "bf16", "fp16"});
  for (ResultRow& row : sample.rows) row.spectrum_length = 20;
  sample.rows[0].spectrum_offset = sample.rows[1].spectrum_offset = 0;
  sample.rows[2].spectrum_offset = 20;
  std::vector<double> spectrum(20);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = std::pow(1.5, static_cast<double>(i));
  const auto spectrum_of = [&](const ResultRow& row) {
    std::vector<double> found = spectrum;
    if (row.spectrum_offset > 0) found.back() *= 3;
    return found;
  };
  const std::vector<double> errors =
      view_of(sample.run, everything_in(sample.run), sample.rows, spectrum_of, {}).layers[0].change_errors;
  EXPECT_EQ(errors[0], 0);
  EXPECT_EQ(errors[1], 0) << "the same spectrum";
  std::vector<double> changed = spectrum;
  changed.back() *= 3;
  EXPECT_EQ(errors[2], change_standard_error(spectrum, changed, 0.1));
  EXPECT_GT(errors[2], 0);
}

/// fp32 with spectra, int4 surveyed.
SampleRun surveyed_run() {
  SampleRun sample = sample_run(2, {"fp32", "int4"});
  for (ResultRow& row : sample.rows) {
    row.cast_error = 0.5;
    row.effective_rank = 0.5;
    if (row.precision == "fp32") continue;
    row.alpha = row.effective_rank = no_figure;
    row.status = Status::surveyed;
  }
  sample.asked = {{"fp32"}, "", true, {"int4"}};
  return sample;
}

TEST(View, SurveyedPrecisionsHaveErrorsAndAScoreAndNoAlpha) {
  const ReportView view = view_of(surveyed_run());
  EXPECT_EQ(view.precisions, std::vector<std::string>{"fp32"});
  EXPECT_EQ(view.survey, std::vector<std::string>{"int4"});
  EXPECT_TRUE(view.all_precisions);
  const std::vector<Sensitivity> sensitivities = sensitivities_of(view.layers[1]);
  ASSERT_EQ(sensitivities.size(), 2U);
  EXPECT_EQ(sensitivities[1].row->precision, "int4");
  EXPECT_EQ(sensitivities[1].score, 0.125);
  EXPECT_EQ(sensitivities[1].bits_per_weight, 4 + 16.0 / 4096);
  EXPECT_TRUE(std::isnan(sensitivities[1].alpha_change));
}

TEST(View, WhatIsSurveyedHasNoAlphaThoughAnEarlierRunComputedIt) {
  SampleRun sample = sample_run(1, {"fp32", "int4"});
  sample.asked = {{"fp32"}, "", true, {"int4"}};
  const ReportView view = view_of(sample);
  EXPECT_TRUE(std::isnan(view.layers[0].surveyed[0].alpha));
  EXPECT_EQ(view.layers[0].surveyed[0].status, Status::surveyed);
}

TEST(View, EffectiveRanksAreThoseOfTheSpectrumNearestToTheWeightsWhateverTheBase) {
  SampleRun sample = sample_run(1, {"fp32", "int4"});
  sample.rows[0].effective_rank = 0.5;
  sample.rows[1].effective_rank = 0.6;
  Selection selection;
  selection.base = "int4";
  const ReportView view = view_of(sample, selection);
  EXPECT_EQ(view.reference, "int4");
  EXPECT_EQ(view.layers[0].effective_rank, 0.5);
}

TEST(View, SelectedPrecisionsAreSurveyedWhereNoLayerHasASpectrum) {
  const ReportView view = view_of(surveyed_run(), selection_of({"int4", "fp32"}));
  EXPECT_EQ(view.precisions, std::vector<std::string>{"fp32"});
  EXPECT_EQ(view.survey, std::vector<std::string>{"int4"});
  SampleRun one_with_spectrum = surveyed_run();
  one_with_spectrum.rows[1].status = Status::ok;
  const ReportView of_one = view_of(one_with_spectrum, selection_of({"int4"}));
  EXPECT_EQ(of_one.precisions, std::vector<std::string>{"int4"});
  EXPECT_EQ(of_one.unfinished, 1) << "the other's spectrum is missing";
}

TEST(View, WithoutAnySpectrumThereIsNothingToCompareWith) {
  SampleRun sample = surveyed_run();
  for (ResultRow& row : sample.rows) row.status = Status::surveyed;
  sample.asked = {{}, "", true, {"fp32", "int4"}};
  const ReportView view = view_of(sample);
  EXPECT_EQ(view.reference, "");
  EXPECT_THAT(view.precisions, IsEmpty());
  ASSERT_EQ(view.layers.size(), 2U);
  EXPECT_TRUE(std::isnan(sensitivities_of(view.layers[0])[1].score));
  Selection selection;
  selection.base = "fp32";
  EXPECT_THAT(
      thrown_by([&] { view_of(sample, selection); }).value().what(),
      HasSubstr("--base: expected a precision whose spectrum all layers of the report have, found 'fp32'"));
}

TEST(View, RefusesWhatTheRunDoesNotHave) {
  const SampleRun sample = sample_run(2, {"fp32", "bf16"});
  EXPECT_STREQ(thrown_by([&] { view_of(sample, selection_of({"fp16"})); }).value().what(),
               "--precisions: the run has fp32, bf16, found 'fp16'");
  EXPECT_THAT(thrown_by([&] { view_of(sample, selection_of({}, "w2")); }).value().what(),
              StartsWith("--filter-layers: 'w2' is in none of the names of the "));
  EXPECT_STREQ(
      thrown_by([&] { view_of(sample, selection_of({}, "q\xff")); }).value().what(),
      "--filter-layers: expected UTF-8 without control characters, which no name has, found 'q\\xff'");
  EXPECT_THAT(thrown_by([&] { view_of(sample, selection_of({}, "(")); }).value().what(),
              HasSubstr("--filter-layers: '('"));
  EXPECT_STREQ(thrown_by([&] { view_of(sample, at_k_frac(1.5)); }).value().what(),
               "--k-frac: expected a number in (0, 1], found 1.5");
}

TEST(View, RefusesRowsOfNoLayer) {
  SampleRun sample = sample_run(2, {"fp32"});
  sample.rows[1].layer = 3;
  EXPECT_STREQ(thrown_by([&] { view_of(sample); }).value().what(),
               "results: a row of layer 3 at fp32, which the run does not have");
}

TEST(View, LeavesOutLayersThatAreNotFinished) {
  SampleRun sample = sample_run(3, {"fp32", "bf16"});
  sample.rows.erase(sample.rows.begin() + 2, sample.rows.begin() + 4);
  const ReportView view = view_of(sample);
  EXPECT_EQ(view.unfinished, 1);
  ASSERT_EQ(view.layers.size(), 2U);
  EXPECT_EQ(view.layers[1].number, 3);
}

/// Twenty eigenvalues 1, ratio, ratio^2, ...: ln(lambda_i / lambda_{k+1}) = (k + 1 - i) ln ratio.
std::vector<double> geometric(double ratio) {
  std::vector<double> eigenvalues;
  for (int i = 0; i < 20; ++i) eigenvalues.push_back(std::pow(ratio, i));
  return eigenvalues;
}

/// A run of one layer with such a spectrum.
ReportView recomputed(double ratio, double k_frac, const ResultRow& row) {
  RunDescription run;
  run.precisions = {"fp32"};
  run.k_frac = 0.1;
  run.layers = {sample_layer(0)};
  return view_of(
      run, everything_in(run), std::vector{row}, [&](const ResultRow&) { return geometric(ratio); },
      at_k_frac(k_frac));
}

ResultRow row_with_spectrum() {
  ResultRow row = sample_row(1, "fp32", 7);
  row.spectrum_offset = 0;
  row.spectrum_length = 20;
  return row;
}

TEST(View, ComputesAnotherKFracFromTheStoredSpectrum) {
  const ReportView view = recomputed(2, 0.75, row_with_spectrum());
  const ResultRow& figure = view.layers[0].figures[0];
  const double expected = 1 + 15 / (120 * std::log(2.0));
  EXPECT_NEAR(figure.alpha, expected, 1e-14);
  EXPECT_NEAR(figure.alpha_stderr, (expected - 1) / std::sqrt(15.0), 1e-14);
  EXPECT_EQ(figure.k_used, 15);
  EXPECT_EQ(figure.n_eigs, 20);
  EXPECT_NEAR(view.layers[0].reference_alpha, expected, 1e-14);
  EXPECT_EQ(view.inexact, 0);
}

TEST(View, KeepsStoredFiguresAtTheRunsOwnKFrac) {
  EXPECT_EQ(recomputed(2, 0.1, row_with_spectrum()).layers[0].figures[0].alpha, 7);
}

TEST(View, CountsFiguresThatTheGramSpectrumIsTooInexactFor) {
  ResultRow row = row_with_spectrum();
  EXPECT_EQ(recomputed(4, 0.75, row).inexact, 1) << "20 eps 4^15 > 1e-9";
  for (const char* svd : {"svd_full", "svd_of_a_later_version"}) {
    row.method = svd;
    EXPECT_EQ(recomputed(4, 0.75, row).inexact, 0) << svd;
  }
}

/// A row whose lambda_{k+1} vanishes at the run's k-frac.
ResultRow row_without_alpha(const std::string& method) {
  ResultRow row = row_with_spectrum();
  row.alpha = row.alpha_stderr = no_figure;
  row.k_used = row.n_eigs = -1;
  row.status = Status::no_tail;
  row.reason = "eigenvalue k+1 cannot be told from zero";
  row.method = method;
  return row;
}

TEST(View, AFigureWonAtAnotherKFracSaysHowItsSpectrumWasComputed) {
  const ReportView view = recomputed(4, 0.75, row_without_alpha("svd_full"));
  const ResultRow& figure = view.layers[0].figures[0];
  EXPECT_EQ(figure.status, Status::ok);
  EXPECT_EQ(figure.reason, "");
  EXPECT_EQ(figure.n_eigs, 20);
  EXPECT_EQ(figure.method, "svd_full");
  const double bound = 2 * 20 * std::numeric_limits<double>::epsilon() * std::sqrt(std::pow(4.0, 15));
  EXPECT_NEAR(figure.error_bound / bound, 1, 1e-12) << "2 N eps sqrt(lambda_1 / lambda_{k+1})";
  EXPECT_EQ(view.inexact, 0);
}

TEST(View, AFigureWonFromAGramSpectrumHasItsErrorBound) {
  const ReportView view = recomputed(4, 0.75, row_without_alpha("gram_eigen_gpu"));
  const ResultRow& figure = view.layers[0].figures[0];
  EXPECT_EQ(figure.method, "gram_eigen_gpu");
  const double bound = 20 * std::numeric_limits<double>::epsilon() * std::pow(4.0, 15);
  EXPECT_NEAR(figure.error_bound / bound, 1, 1e-12) << "N eps lambda_1 / lambda_{k+1}";
  EXPECT_EQ(view.inexact, 1);
}

TEST(View, ASpectrumOfAnEarlierVersionThatDoesNotSayCountsAsAGramMatrixs) {
  const ReportView view = recomputed(4, 0.75, row_without_alpha("failed"));
  EXPECT_EQ(view.layers[0].figures[0].method, "gram_eigen");
  EXPECT_EQ(view.inexact, 1);
  const ReportView lost = recomputed(1, 0.75, row_without_alpha("failed"));
  EXPECT_EQ(lost.layers[0].figures[0].method, "gram_eigen");
}

TEST(View, CountsSharesWhoseBoundHoldsAtTheRunsKFracAlone) {
  ResultRow row = row_with_spectrum();
  EXPECT_EQ(recomputed(2, 0.75, row).unbounded, 0);
  row.share_bound = 1e-6;
  EXPECT_EQ(recomputed(2, 0.75, row).unbounded, 1);
  EXPECT_EQ(recomputed(2, 0.1, row).unbounded, 0);
}

TEST(View, AFigureLostAtAnotherKFracSaysWhy) {
  const ResultRow figure = recomputed(1, 0.75, row_with_spectrum()).layers[0].figures[0];
  EXPECT_TRUE(std::isnan(figure.alpha));
  EXPECT_EQ(figure.method, "gram_eigen") << "the spectrum is there";
  EXPECT_EQ(figure.status, Status::no_tail);
  EXPECT_EQ(figure.k_used, -1);
  EXPECT_EQ(figure.n_eigs, -1);
  EXPECT_THAT(figure.reason, testing::Not(IsEmpty()));
}

TEST(View, RowsWithoutASpectrumStayAsTheyAre) {
  const ReportView view = recomputed(2, 0.75, failed_row(1, "fp32", "NaN among the weights"));
  EXPECT_EQ(view.layers[0].figures[0].reason, "NaN among the weights");
  EXPECT_EQ(view.layers[0].figures[0].status, Status::nonfinite);
}

}  // namespace
}  // namespace alphahill
