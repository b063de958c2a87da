#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/base/file.hpp"
#include "report/plots/plots.hpp"
#include "report/rounded_run.hpp"
#include "report/shown_texts.hpp"
#include "report/written_report.hpp"

namespace alphahill {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::array rounding_plots{"error_by_layer", "score_ranking", "alpha_against_base"};

/// Names of the plots of rounding that a report has.
std::vector<std::string> rounding_plots_of(const SampleRun& sample) {
  std::vector<std::string> names;
  const ReportView view = view_of(sample);
  for (const Plot& plot : plots_of(view, {})) {
    const std::string name = plot.file.stem();
    if (std::ranges::find(rounding_plots, name) != rounding_plots.end()) names.push_back(name);
  }
  return names;
}

/// The picture of this name, and the page's width.
Picture picture_of(const SampleRun& sample, const std::string& name) {
  const ReportView view = view_of(sample);
  for (const Plot& plot : plots_of(view, {})) {
    if (plot.file.stem() == name) return plot.draw();
  }
  ADD_FAILURE() << "no plot " << name;
  return Picture(0);
}

std::string svg_of(const SampleRun& sample, const std::string& name) {
  return picture_of(sample, name).file(PlotFormat::svg);
}

class RoundingPlot : public testing::TestWithParam<std::tuple<const char*, std::int64_t>> {};

TEST_P(RoundingPlot, HasTextsThatDoNotCoverEachOtherAtTwelvePrecisions) {
  const auto [name, layers] = GetParam();
  const Picture picture = picture_of(rounded_run(layers, twelve_precisions), name);
  expect_readable(picture.file(PlotFormat::svg), picture.width());
}

INSTANTIATE_TEST_SUITE_P(Report, RoundingPlot,
                         testing::Combine(testing::ValuesIn(rounding_plots),
                                          testing::Values(1, 3, 30, 300, 3000)),
                         [](const auto& test) {
                           return fmt::format("{}_{}", std::get<0>(test.param), std::get<1>(test.param));
                         });

TEST(RoundingPlots, AreDrawnWhereAPrecisionRoundsTheWeights) {
  const auto all_three = ElementsAre("error_by_layer", "score_ranking", "alpha_against_base");
  EXPECT_THAT(rounding_plots_of(rounded_run(8, {"fp32", "int4"})), all_three);
  EXPECT_THAT(rounding_plots_of(rounded_run(8, {"fp32", "bf16"})), all_three);
  EXPECT_THAT(rounding_plots_of(rounded_run(8, {"fp32"})), IsEmpty());
  EXPECT_THAT(rounding_plots_of(rounded_run(8, {"bf16"})), IsEmpty()) << "the reference";
  EXPECT_THAT(rounding_plots_of(rounded_run(8, {"int4"})), ElementsAre("error_by_layer", "score_ranking"));
}

TEST(RoundingPlots, ShowTheErrorsOfSurveyedPrecisions) {
  SampleRun sample = rounded_run(8, {"fp32", "int4"});
  for (ResultRow& row : sample.rows) {
    if (row.precision == "fp32") continue;
    row.status = Status::surveyed;
    row.alpha = row.alpha_stderr = row.effective_rank = no_figure;
  }
  sample.asked = {{"fp32"}, "", true, {"int4"}};
  EXPECT_THAT(rounding_plots_of(sample), ElementsAre("error_by_layer", "score_ranking"));
  EXPECT_THAT(svg_of(sample, "alpha_distribution_by_precision"), Not(HasSubstr("int4")));
  for (ResultRow& row : sample.rows) {
    row.status = Status::surveyed;
    row.alpha = row.effective_rank = no_figure;
  }
  sample.asked = {{}, "", true, {"fp32", "int4"}};
  const ReportView view = view_of(sample);
  EXPECT_EQ(plots_of(view, {}).size(), 1U) << "error_by_layer";
}

TEST(RoundingPlots, GoWithTheOthersOfAReport) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.individual_plots = IndividualPlots::never;
  write(rounded_run(3, {"fp32", "int4"}), settings);
  EXPECT_THAT(files_under(settings.output_dir), Contains("plots/score_ranking.png"));
  write(sample_run(3, {"fp32"}), settings);
  EXPECT_THAT(files_under(settings.output_dir), Not(Contains("plots/score_ranking.png")));
}

TEST(ErrorByLayer, HasAPanelForEachRoleAndTheFormatsByTheirErrors) {
  const std::string svg = svg_of(rounded_run(14, {"fp32", "int8", "int2"}), "error_by_layer");
  for (const char* title : {">attn_q: 2 layers<", ">mlp_down: 2 layers<"}) EXPECT_THAT(svg, HasSubstr(title));
  EXPECT_LT(svg.find(">int2<"), svg.find(">int8<")) << "the larger error first";
  EXPECT_THAT(svg, Not(HasSubstr(">fp32<"))) << "it has none";
}

TEST(ErrorByLayer, SaysWhichErrorsItDoesNotShow) {
  SampleRun sample = rounded_run(4, {"fp32", "int4"});
  sample.rows[1].cast_error = 0;
  sample.rows[3].cast_error = no_figure;
  EXPECT_THAT(svg_of(sample, "error_by_layer"), AllOf(HasSubstr(">not shown, as they are 0: 1 error<"),
                                                      HasSubstr(">not shown, as there are none: 1 error<")));
}

TEST(ErrorByLayer, PutsTheLastOfVeryManyRolesIntoOnePanel) {
  SampleRun sample = rounded_run(3000, {"fp32", "int4"});
  for (LayerRow& layer : sample.run.layers) layer.category = layer.name;
  EXPECT_THAT(svg_of(sample, "error_by_layer"), HasSubstr(">2977 other roles: 2977 layers<"));
  EXPECT_THAT(svg_of(sample, "all_layers_combined"), HasSubstr(">2977 other roles<"));
}

TEST(ScoreRanking, HasThe30LargestScoresOfEachFormatThoseFirst) {
  SampleRun sample = rounded_run(70, {"fp32", "int4", "int3"});
  for (ResultRow& row : sample.rows) row.effective_rank = 0.5;
  for (ResultRow& row : sample.rows) {
    if (row.precision == "int4") row.cast_error = 0.1 + 1e-4 * static_cast<double>(row.layer);
    if (row.precision == "int3") row.cast_error = 0.3 - 1e-4 * static_cast<double>(row.layer);
  }
  const std::string svg = svg_of(sample, "score_ranking");
  std::vector<std::string> labels;
  for (const ShownText& shown : texts_of(svg)) {
    if (shown.text.find("attn.") != std::string::npos || shown.text.find("mlp.") != std::string::npos)
      labels.push_back(shown.text);
  }
  ASSERT_EQ(labels.size(), 60U);
  EXPECT_EQ(labels[0], "9 mlp.down_proj");
  EXPECT_EQ(labels[1], "9 mlp.up_proj");
  EXPECT_EQ(labels[30], "0 attn.q_proj");
  EXPECT_THAT(svg, AllOf(HasSubstr("the 30 of 70 layers"), HasSubstr("an indication, not a law"),
                         HasSubstr(">int3, 3.004 bits a weight<")));
}

TEST(AlphaAgainstBase, NamesTheBaseAndSaysHowFarAlphaMoves) {
  SampleRun sample = rounded_run(2, {"fp32", "int4"});
  for (ResultRow& row : sample.rows) row.alpha = 4;
  sample.rows[1].alpha = 5;
  sample.rows[3].alpha = 3.8;
  EXPECT_THAT(svg_of(sample, "alpha_against_base"),
              AllOf(HasSubstr(">alpha of each format against alpha at fp32<"), HasSubstr(">alpha at int4<"),
                    HasSubstr(">int4: median 15%, largest 25%<")));
}

TEST(AlphaAgainstBase, PutsFlatSpectraOnTheBorder) {
  SampleRun sample = rounded_run(20, {"fp32", "int4"});
  sample.rows[0].alpha = sample.rows[1].alpha = 1e8;
  const std::string svg = svg_of(sample, "alpha_against_base");
  EXPECT_THAT(svg, HasSubstr(">on the border: figures above 100 (flat spectra), in 1 layer<"));
  EXPECT_THAT(svg, Not(HasSubstr("0000<"))) << "among the ticks";
}

}  // namespace
}  // namespace alphahill
