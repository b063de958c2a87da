#include "report/output_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/base/file.hpp"
#include "report/written_report.hpp"
#include "support/captured_log.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Reports on one run of nine layers, into one folder.
class OutputFolder : public testing::Test {
 protected:
  ReportView view(double k_frac, const Selection& selection = {}) const {
    SampleRun sample = sample_run(9, {"fp32", "bf16"});
    sample.run.k_frac = k_frac;
    ReportView view = view_of(sample, selection);
    view.source = folder_.path() / "run/alpha_hill.h5";
    return view;
  }
  /// @return where the table is, relative to the output folder
  std::string write(const ReportView& view, OtherSettings other_settings = OtherSettings::sub_folder) const {
    ReportSettings settings;
    settings.output_dir = output();
    settings.other_settings = other_settings;
    settings.individual_plots = IndividualPlots::never;
    settings.version = "1.2.3";
    return fs::relative(write_report(view, settings).results_csv, output()).string();
  }
  fs::path output() const { return folder_.path() / "run"; }
  std::string table(const std::string& folder = ".") const {
    return read_text(output() / folder / results_csv_name, 1 << 20);
  }

  const TemporaryFolder folder_;
};

ReportView with_metrics(ReportView view, std::vector<std::string> metrics) {
  view.metrics = std::move(metrics);
  for (ReportedLayer& layer : view.layers) {
    layer.metrics.assign(view.precisions.size(), std::vector<double>(view.metrics.size(), 0.5));
  }
  return view;
}

Selection precisions(std::vector<std::string> names) {
  Selection selection;
  selection.precisions = std::move(names);
  return selection;
}

Selection layers(const std::string& filter) {
  Selection selection;
  selection.filter_layers = filter;
  return selection;
}

Selection with_min_eigenvalues(std::int64_t least) {
  Selection selection;
  selection.min_eigenvalues = least;
  return selection;
}

TEST_F(OutputFolder, TheSettingsOfAReportAreKeptBesideIt) {
  write(view(0.25, layers("q_proj")));
  const std::string stored = read_text(output() / "report_settings.json", 1 << 20);
  EXPECT_EQ(stored, R"({
  "version": "1.2.3",
  "sources": [{"file": "alpha_hill.h5", "model": "meta-llama/Llama-3.1-8B", "version": ""}],
  "k_frac": 0.25,
  "precisions": ["fp32", "bf16"],
  "all_precisions": true,
  "filter_layers": "q_proj",
  "all_layers": false,
  "min_eigenvalues": 0,
  "base": "",
  "metrics": []
}
)");
}

TEST_F(OutputFolder, SettingsAreReadBackAsTheyWere) {
  RecordedSettings settings = recorded_settings(view(1.0 / 3, precisions({"bf16"})), "1 \"x\"\n");
  settings.filter_layers = R"(\.q_["a]+)";
  settings.all_layers = false;
  settings.min_eigenvalues = 12;
  settings.base = "fp32";
  settings.metrics = {"pl_alpha", "D"};
  save_settings(folder_.path(), settings);
  const auto stored = stored_settings(folder_.path());
  ASSERT_TRUE(stored);
  EXPECT_THAT(differences(settings, stored), IsEmpty());
  EXPECT_EQ(stored->version, "1 \"x\"\n");
  EXPECT_EQ(stored->filter_layers, settings.filter_layers);
  EXPECT_EQ(stored->k_frac, 1.0 / 3);
  EXPECT_FALSE(stored->all_precisions);
}

TEST_F(OutputFolder, AReportWithOtherSettingsGoesIntoAFolderThatSaysThemAndTheOneThereStays) {
  write(view(0.1));
  const std::string before = table();
  EXPECT_EQ(write(view(0.05)), "k_frac_0.05/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(view(0.1, precisions({"bf16"}))), "precisions_bf16/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(view(0.1, layers("q_proj"))), "layers_q_proj/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(view(0.05, layers("q_proj"))),
            "k_frac_0.05_layers_q_proj/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(view(0.1, with_min_eigenvalues(10))),
            "min_eigenvalues_10/precision_alpha_hill_results.csv");
  Selection from_bf16;
  from_bf16.base = "bf16";
  EXPECT_EQ(write(view(0.1, from_bf16)), "base_bf16/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(with_metrics(view(0.1), {"D", "entropy"})),
            "metrics_D_entropy/precision_alpha_hill_results.csv");
  EXPECT_EQ(table(), before);
  EXPECT_TRUE(fs::exists(output() / "k_frac_0.05/plots/all_layers_combined.png"));
}

TEST_F(OutputFolder, AReportOnAnotherFileGoesIntoAFolderOfItsName) {
  write(view(0.1));
  ReportView other = view(0.1);
  other.source = output() / "tuned.h5";
  EXPECT_EQ(write(other), "tuned/precision_alpha_hill_results.csv");
}

TEST_F(OutputFolder, AReportWithTheSameSettingsReplacesTheOneThere) {
  write(view(0.05));
  for (const OtherSettings other :
       {OtherSettings::replace, OtherSettings::refuse, OtherSettings::sub_folder}) {
    EXPECT_EQ(write(view(0.05), other), results_csv_name);
  }
  write(view(0.1));
  EXPECT_EQ(write(view(0.1)), write(view(0.1))) << "in a sub-folder too";
}

TEST_F(OutputFolder, AReportOnARunThatHasMorePrecisionsSinceReplacesTheOneThere) {
  write(view(0.1, {}));
  SampleRun grown = sample_run(18, {"fp64", "fp32", "bf16"});
  ReportView all = view_of(grown);
  all.source = output() / "alpha_hill.h5";
  EXPECT_EQ(write(all), results_csv_name);
}

/// The run of all others here, of which the last run asked for less than earlier ones.
ReportView view_of_less(const Asked& asked) {
  SampleRun sample = sample_run(9, {"fp32", "bf16"});
  sample.run.layers[8].predicts_further_tokens = true;
  sample.asked = asked;
  return view_of(sample);
}

TEST_F(OutputFolder, AReportThatHasFewerLayersOrPrecisionsIsAnotherThoughItHasAllThatWasAskedFor) {
  write(view(0.1));
  const auto folder_of = [&](const Asked& asked) {
    ReportView less = view_of_less(asked);
    less.source = output() / "alpha_hill.h5";
    return fs::path(write(less)).parent_path();
  };
  EXPECT_EQ(folder_of({{"fp32", "bf16"}, "", true}), "");
  EXPECT_EQ(folder_of({{"fp32", "bf16"}, "", false}), "all_layers");
  EXPECT_EQ(folder_of({{"fp32", "bf16"}, "q_proj", true}), "layers_q_proj");
  EXPECT_EQ(folder_of({{"bf16"}, "", true}), "precisions_bf16");
}

TEST_F(OutputFolder, FiltersThatKeepTheSameLayersAreTheSame) {
  write(view(0.1, layers("q_proj")));
  EXPECT_EQ(write(view(0.1, layers("q_proj$"))), results_csv_name);
}

TEST_F(OutputFolder, WhereAReportWithOtherSettingsIsReplacedALineSaysWhich) {
  const CapturedLog log;
  write(view(0.1));
  write(view(0.1), OtherSettings::replace);
  EXPECT_THAT(log.text(), Not(HasSubstr("replaced")));
  write(view(0.1, layers("q_proj")), OtherSettings::replace);
  EXPECT_THAT(log.text(),
              HasSubstr("info: " + output().string() +
                        " holds a report made with other settings (layers all 9, here 2 by 'q_proj'): "
                        "replaced\n"));
}

TEST_F(OutputFolder, PlotsThatAReportDoesNotMakeAgainAreRemovedInItsFormat) {
  ReportSettings settings;
  settings.output_dir = output();
  settings.max_layers_per_plot = 4;
  write_report(view(0.1), settings);
  folder_.write("run/plots/combined_batch_1.pdf", "of a report in another format");
  settings.max_layers_per_plot = 5;
  settings.individual_plots = IndividualPlots::never;
  write_report(view(0.1), settings);
  const std::set<std::string> files = files_under(output() / "plots");
  EXPECT_THAT(
      files, testing::IsSupersetOf({"combined_batch_1.png", "combined_batch_2.png", "combined_batch_1.pdf"}));
  EXPECT_THAT(files, Not(testing::Contains(testing::AnyOf("combined_batch_3.png", HasSubstr("layer_001")))));
}

TEST_F(OutputFolder, NamesThatAreSpelledAlikeAreNumbered) {
  write(view(0.1));
  EXPECT_EQ(write(view(0.1, layers("[!k]_proj"))), "layers___k__proj/precision_alpha_hill_results.csv");
  EXPECT_EQ(write(view(0.1, layers("[^k]_proj"))), "layers___k__proj_2/precision_alpha_hill_results.csv");
}

TEST_F(OutputFolder, AFolderThatIsAskedForIsRefusedWithTheSettingsThatDiffer) {
  write(view(0.1));
  const std::string before = table();
  const auto error =
      thrown_by([&] { write(view(0.05, precisions({"bf16"})), OtherSettings::refuse); }).value();
  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("--output-dir: "), HasSubstr("k_frac 0.1, here 0.05"),
                                  HasSubstr("precisions fp32, bf16, here bf16"), HasSubstr("--overwrite")));
  EXPECT_EQ(table(), before);
}

TEST_F(OutputFolder, ReplacingLeavesNothingOfTheOneBefore) {
  write(view(0.1));
  write(view(0.1, layers("q_proj")), OtherSettings::replace);
  EXPECT_THAT(files_under(output()),
              ElementsAre("plots/all_layers_combined.png", "plots/alpha_distribution_by_precision.png",
                          "plots/category_attn_q.png", results_csv_name, sensitivity_csv_name,
                          summary_csv_name, settings_name));
}

TEST_F(OutputFolder, ARunThatAsksForNoMetricsRemovesThoseOfTheOneBefore) {
  write(with_metrics(view(0.1), {"D"}), OtherSettings::replace);
  EXPECT_TRUE(fs::exists(output() / metrics_csv_name));
  const CapturedLog log;
  write(view(0.1), OtherSettings::replace);
  EXPECT_FALSE(fs::exists(output() / metrics_csv_name));
  EXPECT_THAT(log.text(), HasSubstr("metrics D, here none"));
}

TEST_F(OutputFolder, TablesWhoseSettingsAreNotKnownAreNotOverwrittenUnasked) {
  for (const char* contents : {"", "{}", "{\"k_frac\": \"many\"}"}) {
    folder_.write("run/report_settings.json", contents);
    folder_.write(std::string("run/") + results_csv_name, "of an earlier version");
    EXPECT_THAT(thrown_by([&] { write(view(0.1), OtherSettings::refuse); }).value().what(),
                HasSubstr("other settings (which are not recorded); --overwrite replaces it"));
    EXPECT_EQ(table(), "of an earlier version");
    fs::remove_all(output() / "k_frac_0.1");
    EXPECT_EQ(write(view(0.1)), "k_frac_0.1/precision_alpha_hill_results.csv");
  }
}

TEST_F(OutputFolder, WhoseTablesAreGoneIsFree) {
  write(view(0.1));
  for (const char* name : {results_csv_name, summary_csv_name}) fs::remove(output() / name);
  EXPECT_EQ(write(view(0.05), OtherSettings::refuse), results_csv_name);
}

TEST_F(OutputFolder, ItsNameIsNotTooLongForAFileSystem) {
  write(view(0.1));
  std::string filter = "q_proj";
  for (int i = 0; i < 40; ++i) filter += "|a_longer_name";
  const std::string file = write(view(0.05, layers(filter)));
  EXPECT_LE(fs::path(file).parent_path().string().size(), 255U);
  EXPECT_THAT(file, Not(HasSubstr("|")));
}

}  // namespace
}  // namespace alphahill
