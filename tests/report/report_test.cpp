#include "alphahill/report/report.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "alphahill/base/file.hpp"
#include "alphahill/results/results_file.hpp"
#include "report/plots/series_style.hpp"
#include "report/written_report.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class EveryFormat : public testing::TestWithParam<PlotFormat> {};

TEST_P(EveryFormat, HasAPictureOfEachKind) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = GetParam();
  settings.max_layers_per_plot = 5;
  write(sample_run(8, {"fp32", "fp16", "bf16"}), settings);
  const std::string extension = fmt::format(".{}", name_of(GetParam()));
  const std::array<std::string, 3> beginnings{"\x89PNG\r\n", "%PDF-", "<?xml"};
  for (const char* name :
       {"alpha_distribution_by_precision", "category_attn_q", "category_mlp_down", "combined_batch_1",
        "combined_batch_2", "individual_layers/layer_008_model_layers_1_self_attn_q_proj"}) {
    const std::string picture = read_text(settings.output_dir / "plots" / (name + extension), 1 << 22);
    EXPECT_THAT(picture, StartsWith(beginnings.at(static_cast<std::size_t>(GetParam())))) << name;
    EXPECT_GT(picture.size(), 4000U) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Report, EveryFormat,
                         testing::Values(PlotFormat::png, PlotFormat::pdf, PlotFormat::svg),
                         [](const auto& format) { return std::string(name_of(format.param)); });

TEST(Report, HasTheFilesOfTheContractAndNoOthers) {
  const TemporaryFolder folder;
  write(sample_run(2, {"fp32", "bf16"}), settings_for(folder));
  EXPECT_THAT(files_under(folder.path() / "out"),
              ElementsAre("plots/all_layers_combined.png", "plots/alpha_distribution_by_precision.png",
                          "plots/category_attn_k.png", "plots/category_attn_q.png",
                          "plots/individual_layers/layer_001_model_layers_0_self_attn_q_proj.png",
                          "plots/individual_layers/layer_002_model_layers_0_self_attn_k_proj.png",
                          "precision_alpha_hill_results.csv", "precision_sensitivity.csv",
                          "precision_summary_statistics.csv", "report_settings.json"));
}

TEST(Report, ZeroLayersPerPlotPutsAllIntoOne) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.max_layers_per_plot = 0;
  settings.individual_plots = IndividualPlots::never;
  write(sample_run(30, {"fp32"}), settings);
  const auto files = files_under(settings.output_dir / "plots");
  EXPECT_THAT(files, Contains("all_layers_combined.png"));
  EXPECT_THAT(files, SizeIs(9)) << "distribution, seven categories, combined";
}

std::string combined_svg(const SampleRun& sample, std::int64_t max_layers_per_plot = 10) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  settings.max_layers_per_plot = max_layers_per_plot;
  settings.individual_plots = IndividualPlots::never;
  write(sample, settings);
  return read_text(settings.output_dir / "plots/all_layers_combined.svg", 1 << 22);
}

TEST(Report, ShowsTheStandardErrorAsABarWhereThereIsRoomAndItsSizeInWords) {
  SampleRun sample = sample_run(1, {"fp32"});
  sample.rows = {sample_row(1, "fp32", 3)};
  sample.rows[0].alpha_stderr = 0.3;
  const std::string note = ">bars: standard error of alpha, 10% in the median, 10% at most<";
  const std::string bar = fmt::format("stroke=\"#{:06x}\"", lighter(series_colour(0)));
  EXPECT_THAT(combined_svg(sample), AllOf(HasSubstr(note), HasSubstr(bar)));
  EXPECT_THAT(combined_svg(sample_run(300, {"fp32"}), 0),
              AllOf(HasSubstr(">standard error of alpha, "), Not(HasSubstr(bar))));
}

/// Names of the combined plots of so many layers.
std::vector<std::string> combined_plots(std::int64_t layers, std::optional<std::int64_t> most) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.individual_plots = IndividualPlots::never;
  settings.max_layers_per_plot = most;
  write(sample_run(layers, {"fp32"}), settings);
  std::vector<std::string> names;
  for (const std::string& file : files_under(settings.output_dir / "plots")) {
    if (file.find("combined") != file.npos) names.push_back(file);
  }
  return names;
}

TEST(Report, MoreThan30BatchesAreOnePictureUnlessTheirSizeIsAskedFor) {
  EXPECT_THAT(combined_plots(300, std::nullopt), AllOf(SizeIs(30), Contains("combined_batch_30.png")));
  EXPECT_THAT(combined_plots(301, std::nullopt), ElementsAre("all_layers_combined.png"));
  EXPECT_THAT(combined_plots(301, 10), AllOf(SizeIs(31), Contains("combined_batch_31.png")));
}

TEST(Report, TheDistributionSaysWhatItsPointsAreAndAlwaysDrawsTheExtremes) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  settings.individual_plots = IndividualPlots::never;
  SampleRun sample = sample_run(3000, {"fp32"});
  for (ResultRow& row : sample.rows) row.alpha = 3;
  for (LayerRow& layer : sample.run.layers) layer.category = "attn_q";
  sample.rows[1].alpha = 100;
  sample.rows[2].alpha = 1;
  write(sample, settings);
  const fs::path file = settings.output_dir / "plots/alpha_distribution_by_precision.svg";
  const std::string picture = read_text(file, 1 << 22);
  EXPECT_THAT(picture, HasSubstr("points: layers; of 1000 or more a sample with the lowest and highest"));
  std::vector<double> heights;
  const std::regex point("cy=\"([0-9.]+)\" r=\"1.50\"");
  for (auto match = std::sregex_iterator(picture.begin(), picture.end(), point);
       match != std::sregex_iterator(); ++match) {
    heights.push_back(std::stod((*match)[1]));
  }
  std::ranges::sort(heights);
  ASSERT_GT(heights.size(), 700U);
  EXPECT_LT(heights.front(), heights[1] - 100) << "alpha = 100, of one layer";
  EXPECT_GT(heights.back(), heights[heights.size() / 2] + 1) << "alpha = 1";
}

TEST(Report, PicturesShowLabelsValuesAndChanges) {
  SampleRun sample = sample_run(1, {"fp32", "bf16"});
  sample.rows = {sample_row(1, "fp32", 3.5), sample_row(1, "bf16", 3.5 * (1 + 1e-4))};
  const std::string picture = combined_svg(sample);
  for (const char* text :
       {"0 attn.q_proj", "fp32 (reference)", "3.5000", "+1.00e-4", "relative change from fp32"}) {
    EXPECT_THAT(picture, HasSubstr(text));
  }
}

/// Of the first element that a pattern finds, whose group is its height.
double height_of(const std::string& svg, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(svg, match, std::regex(pattern)) ? std::stod(match[1]) : NAN;
}

TEST(Report, TheAlphaOfAPictureStandsAboveItsOwnMarkAndBar) {
  SampleRun sample = sample_run(1, {"fp32", "int2"});
  sample.rows = {sample_row(1, "fp32", 3.5), sample_row(1, "int2", 6)};
  const std::string picture = combined_svg(sample);
  const std::size_t panel = picture.find("<circle", picture.find("<circle") + 1);
  const double mark = height_of(picture.substr(panel), "<circle cx=\"[0-9.]+\" cy=\"([0-9.]+)\"");
  const double bar =
      height_of(picture, fmt::format("L[0-9.]+ ([0-9.]+)\" stroke=\"#{:06x}\"", lighter(series_colour(0))));
  EXPECT_LT(bar, mark);
  EXPECT_NEAR(height_of(picture, "translate\\([0-9.]+ ([0-9.]+)\\)[^>]*>3.5000<"), bar - 13, 0.1);
}

std::vector<std::string> names_of_precisions(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("p{}", i));
  return names;
}

/// Of the changes of a series, among the lines of a picture.
std::string stem_of(std::size_t style) {
  return fmt::format("stroke=\"#{:06x}\"", series_colour(style));
}

TEST(Report, ChangesHaveStemsOnlyWhereTheseDoNotCoverEachOther) {
  EXPECT_THAT(combined_svg(sample_run(10, names_of_precisions(16))), HasSubstr(stem_of(15)));
  EXPECT_THAT(combined_svg(sample_run(100, names_of_precisions(16)), 0), Not(HasSubstr(stem_of(15))));
  EXPECT_THAT(combined_svg(sample_run(300, {"fp32", "bf16"}), 0), HasSubstr(stem_of(1)));
  EXPECT_THAT(combined_svg(sample_run(3000, {"fp32", "bf16"}), 0), Not(HasSubstr(stem_of(1))));
  EXPECT_THAT(combined_svg(sample_run(100, names_of_precisions(16)), 0),
              HasSubstr(fmt::format("fill=\"#{:06x}\"", series_colour(15))));
}

TEST(Report, OnePrecisionHasNoPanelOfChanges) {
  EXPECT_THAT(combined_svg(sample_run(3, {"fp32"})), Not(HasSubstr("relative change")));
}

TEST(Report, ExactZeroIsPrintedAsZero) {
  SampleRun sample = sample_run(1, {"fp64", "fp32"});
  sample.rows[1].alpha = sample.rows[0].alpha;
  const std::string picture = combined_svg(sample);
  const std::string zero = ">0</text>";
  const std::size_t tick = picture.find(zero);
  EXPECT_NE(picture.find(zero, tick + 1), std::string::npos) << "beside the tick of the axis";
}

TEST(Report, MissingFiguresAreMarkedAndTheirReasonShown) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  SampleRun sample = sample_run(2, {"fp32", "fp16"});
  sample.rows[1] = failed_row(1, "fp16", "3 weights overflow");
  write(sample, settings);
  const fs::path plots = settings.output_dir / "plots";
  EXPECT_THAT(read_text(plots / "all_layers_combined.svg", 1 << 22), HasSubstr("N/A"));
  const fs::path single = plots / "individual_layers/layer_001_model_layers_0_self_attn_q_proj.svg";
  EXPECT_THAT(read_text(single, 1 << 22), HasSubstr("fp16: 3 weights overflow"));
}

TEST(Report, PicturesSayThatFiguresAreOfDequantizedWeights) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  SampleRun sample = sample_run(2, {"fp32"});
  sample.run.layers[1].stored_as = "int4 g128 asym";
  sample.run.layers[1].dequantized = true;
  write(sample, settings);
  const auto picture = [&](const char* name) {
    return read_text(settings.output_dir / "plots" / name, 1 << 22);
  };
  EXPECT_THAT(picture("all_layers_combined.svg"), HasSubstr("k-frac 0.1 · dequantized weights"));
  EXPECT_THAT(picture("category_attn_k.svg"), HasSubstr("dequantized weights"));
  EXPECT_THAT(picture("category_attn_q.svg"), Not(HasSubstr("dequantized")));
  EXPECT_THAT(picture("individual_layers/layer_002_model_layers_0_self_attn_k_proj.svg"),
              HasSubstr("int4 g128 asym, dequantized"));
}

TEST(Report, LayersWithFewEigenvaluesHaveARowAndNoPlace) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  SampleRun sample = sample_run(3, {"fp32"});
  sample.run.layers[1].out_features = 2;
  Selection selection;
  selection.min_eigenvalues = 10;
  write_report(view_of(sample, selection), settings);
  const std::set<std::string> files = files_under(settings.output_dir);
  EXPECT_THAT(files, Contains("plots/category_attn_q.svg"));
  EXPECT_THAT(files, Not(Contains(HasSubstr("attn_k"))));
  EXPECT_THAT(read_text(settings.output_dir / "plots/all_layers_combined.svg", 1 << 22),
              Not(HasSubstr("N/A")));
  EXPECT_THAT(
      read_text(settings.output_dir / results_csv_name, 1 << 20),
      HasSubstr("model.layers.0.self_attn.k_proj,attn_k,2,4096,16777216,,-1,-1,failed,few_eigenvalues,"
                "fewer than 10 eigenvalues (--min-eigenvalues),\n"));
}

TEST(Report, WithFewEigenvaluesInAllLayersHasTablesAlone) {
  const TemporaryFolder folder;
  Selection selection;
  selection.min_eigenvalues = 5000;
  write_report(view_of(sample_run(3, {"fp32"}), selection), settings_for(folder));
  EXPECT_FALSE(fs::exists(folder.path() / "out/plots"));
}

std::int64_t count_of(std::string_view part, std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

TEST(Report, NoFiguresAtAllStillMakePictures) {
  const TemporaryFolder folder;
  const TemporaryFolder with_figures;
  SampleRun sample = sample_run(4, {"fp32", "bf16"});
  write(sample, settings_for(with_figures));
  for (ResultRow& row : sample.rows) row = failed_row(row.layer, row.precision, "NaN among the weights");
  write(sample, settings_for(folder));
  EXPECT_EQ(files_under(folder.path()), files_under(with_figures.path()));

  const std::string picture = combined_svg(sample);
  EXPECT_EQ(count_of(">N/A</text>", picture), 8) << "a layer and precision";
  EXPECT_EQ(count_of("<circle", picture), 1) << "that of the legend";
  EXPECT_THAT(picture, AllOf(HasSubstr("0 attn.o_proj"), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(Report, EqualFiguresMakeNoDegenerateAxis) {
  SampleRun sample = sample_run(3, {"fp32", "bf16"});
  for (ResultRow& row : sample.rows) row.alpha = 3, row.alpha_stderr = 0;
  const std::string picture = combined_svg(sample);
  for (const char* tick : {">2.98</text>", ">3.00</text>", ">3.02</text>"}) {
    EXPECT_EQ(count_of(tick, picture), 1) << tick;
  }
  EXPECT_THAT(picture, testing::ContainsRegex(" 218[.]00[)][^>]*>3[.]00<")) << "the tick in the middle";
  EXPECT_EQ(count_of("cy=\"218.00\"", picture), 3) << "the layers, at its height";
  EXPECT_THAT(picture, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(Report, ManyLongCategoriesEachHaveAPicture) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.individual_plots = IndividualPlots::never;
  SampleRun sample = sample_run(64, {"fp32", "bf16"});
  for (std::size_t i = 0; i < 64; ++i)
    sample.run.layers[i].category = std::string(280, 'c') + std::to_string(i);
  write(sample, settings);
  EXPECT_EQ(std::ranges::count_if(files_under(settings.output_dir / "plots"),
                                  [](const std::string& file) { return file.starts_with("category_"); }),
            64);
}

TEST(Report, HostileNamesAreOnlyShown) {
  const TemporaryFolder folder;
  const std::vector<std::string> names{"`touch x`",
                                       "\"; system \"touch x",
                                       "'; system 'touch x'; '",
                                       "< touch x",
                                       "{/Symbol a}_b^c",
                                       "\\x1b]0;x\\x07",
                                       "../../x",
                                       "A",
                                       "a",
                                       "]]><script>",
                                       "# x",
                                       "\"",
                                       std::string(300, 'n')};
  SampleRun sample = sample_run(std::ssize(names), {"fp32", "bf16"});
  for (std::size_t i = 0; i < names.size(); ++i)
    sample.run.layers[i].name = sample.run.layers[i].category = names[i];
  sample.run.model = "`touch x`";
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  write(sample, settings);
  const std::set<std::string> files = files_under(folder.path());
  EXPECT_EQ(std::ssize(files), 4 + 1 + std::ssize(names) + 2 + std::ssize(names));
  for (const std::string& file : files) EXPECT_NE(fs::path(file).filename(), "x");
  const std::string picture = read_text(settings.output_dir / "plots/combined_batch_1.svg", 1 << 22);
  for (const char* shown :
       {"`touch x`", "\"; system \"touch x", "{/Symbol a}_b^c", "\\x1b]0;x\\x07", "&lt;script&gt;"}) {
    EXPECT_THAT(picture, HasSubstr(shown));
  }
  EXPECT_FALSE(fs::exists("x"));
}

TEST(Report, IndividualPlotsAreLeftOutAbove500LayersUnlessAskedFor) {
  const TemporaryFolder folder;
  const SampleRun sample = sample_run(501, {"fp32"});
  ReportSettings settings = settings_for(folder);
  settings.max_layers_per_plot = 0;
  write(sample, settings);
  EXPECT_FALSE(fs::exists(settings.output_dir / "plots/individual_layers"));
}

TEST(Report, IndividualPlotsAreDrawnOrNotAsAskedFor) {
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.individual_plots = IndividualPlots::never;
  write(sample_run(2, {"fp32"}), settings);
  EXPECT_FALSE(fs::exists(settings.output_dir / "plots/individual_layers"));
  settings.individual_plots = IndividualPlots::always;
  write(sample_run(2, {"fp32"}), settings);
  EXPECT_TRUE(fs::exists(settings.output_dir / "plots/individual_layers"));
}

TEST(Report, ManyLayersAreLabelledByTheirBlocks) {
  SampleRun sample = sample_run(300, {"fp32", "bf16"});
  const TemporaryFolder folder;
  ReportSettings settings = settings_for(folder);
  settings.plot_format = PlotFormat::svg;
  settings.max_layers_per_plot = 0;
  settings.individual_plots = IndividualPlots::never;
  write(sample, settings);
  const std::string picture = read_text(settings.output_dir / "plots/all_layers_combined.svg", 1 << 22);
  for (const char* text : {">0</text>", ">17</text>", ">41</text>", ">block</text>"}) {
    EXPECT_THAT(picture, HasSubstr(text));
  }
  EXPECT_THAT(picture, Not(HasSubstr("attn.q_proj")));
}

/// Of this style, those of legends included.
std::int64_t marks_of(const std::string& picture, std::size_t style) {
  return count_of(fmt::format("fill=\"#{:06x}\"/>", series_colour(style)), picture);
}

TEST(Report, RolesOfManyLayersAreToldApart) {
  const std::string picture = combined_svg(sample_run(300, {"fp32"}), 0);
  for (const char* text : {">alpha (fp32)<", ">attn_q<", ">mlp_down<"}) EXPECT_THAT(picture, HasSubstr(text));
  EXPECT_EQ(marks_of(picture, 0), 1 + 43) << "attn_q";
  EXPECT_EQ(marks_of(picture, 1), 1 + 43) << "attn_k";
  EXPECT_THAT(combined_svg(sample_run(30, {"fp32"}), 0), Not(HasSubstr(">attn_q<"))) << "labels say it";
  EXPECT_THAT(combined_svg(sample_run(140, {"fp32"}), 0), Not(HasSubstr(">bars: ")))
      << "of several precisions";
}

TEST(Report, AFlatSpectrumLeavesTheScaleOfAlphaToTheOthers) {
  SampleRun sample = sample_run(30, {"fp32"});
  sample.rows[4].alpha = 1e8;
  const std::string picture = combined_svg(sample, 0);
  EXPECT_THAT(picture, AllOf(HasSubstr(">at the upper end: alphas above 100 (flat spectra), of 1 layer<"),
                             HasSubstr(">1.00e+08<"), HasSubstr(">4</text>"), Not(HasSubstr("00000000"))));
}

TEST(Report, OptionValuesAreChecked) {
  EXPECT_EQ(parse_plot_format("svg"), PlotFormat::svg);
  EXPECT_EQ(parse_individual_plots("auto"), IndividualPlots::automatic);
  EXPECT_STREQ(thrown_by([] { parse_plot_format("jpg"); }).value().what(),
               "--plot-format: expected png, pdf or svg, found 'jpg'");
  EXPECT_STREQ(thrown_by([] { parse_individual_plots("some"); }).value().what(),
               "--individual-plots: expected auto, always or never, found 'some'");
}

TEST(Report, OfAStoredRunAtAnotherKFracUsesItsSpectra) {
  const TemporaryFolder folder;
  const SampleRun sample = sample_run(1, {"fp32"});
  LayerRecord record;
  record.layer = 1;
  record.results = sample.rows;
  record.results[0].spectrum_offset = 0;
  record.results[0].spectrum_length = 20;
  for (int i = 0; i < 20; ++i) record.eigenvalues.push_back(std::pow(2.0, i));
  write_results(folder.path() / "run.h5", sample.run, everything_in(sample.run),
                [&](std::int64_t) { return record; });
  Selection selection;
  selection.k_frac = 0.75;
  const ReportView view = open_view(folder.path() / "run.h5", selection);
  EXPECT_NEAR(view.layers[0].figures[0].alpha, 1 + 15 / (120 * std::log(2.0)), 1e-14);
}

}  // namespace
}  // namespace alphahill
