#include "report/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/base/file.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "report/written_report.hpp"
#include "results/sample_run.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A run of q_proj and one other layer.
SampleRun run_with(const std::string& other_layer, double alpha) {
  SampleRun sample = sample_run(2, {"bf16"});
  sample.run.layers[1].name = other_layer;
  sample.rows = {sample_row(1, "bf16", alpha), sample_row(2, "bf16", 2)};
  return sample;
}

TEST(Comparison, MatchesLayersByName) {
  const std::vector<NamedRun> runs{{"base", view_of(run_with("k", 4))}, {"tuned", view_of(run_with("v", 5))}};
  EXPECT_EQ(comparison_csv(runs),
            "layer_name,precision,alpha_base,alpha_tuned,relative_change_tuned\n"
            "model.layers.0.self_attn.q_proj,bf16,4.0,5.0,0.25\n"
            "k,bf16,2.0,,\n"
            "v,bf16,,2.0,\n");
}

TEST(Comparison, ChartsTheLayersThatAllRunsHave) {
  const std::vector<NamedRun> runs{{"base", view_of(run_with("k", 4))}, {"tuned", view_of(run_with("v", 5))}};
  const auto table = comparison_table(runs);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->layers.size(), 1U);
  EXPECT_EQ(table->layers[0].text, "0 attn.q_proj");
  EXPECT_EQ(table->series[1].alphas, std::vector{5.0});
  EXPECT_TRUE(table->series[0].is_reference);
}

TEST(Comparison, HasNoChartWhereNothingIsShared) {
  SampleRun other = run_with("v", 5);
  other.run.layers[0].name = "another";
  const std::vector<NamedRun> runs{{"a", view_of(run_with("k", 4))}, {"b", view_of(other)}};
  EXPECT_FALSE(comparison_table(runs));
}

TEST(Comparison, RanksLayersByTheirRelativeChange) {
  SampleRun base = sample_run(3, {"bf16"});
  SampleRun tuned = base;
  for (std::size_t i = 0; i < 3; ++i) base.rows[i].alpha = tuned.rows[i].alpha = 2;
  tuned.rows[1].alpha = 2.5;
  tuned.rows[2].alpha = 1;
  const std::vector<NamedRun> runs{{"base", view_of(base)}, {"tuned", view_of(tuned)}};
  EXPECT_EQ(comparison_text(runs),
            "\nAlpha at bf16, relative change from base: largest of 2 layers\n"
            "   -5.00e-1  2.000000 -> 1.000000  tuned  model.layers.0.self_attn.v_proj\n"
            "   +2.50e-1  2.000000 -> 2.500000  tuned  model.layers.0.self_attn.k_proj\n");
}

TEST(Comparison, SaysWhereNothingMoves) {
  const std::vector<NamedRun> runs{{"base", view_of(run_with("k", 4))}, {"copy", view_of(run_with("k", 4))}};
  EXPECT_EQ(comparison_text(runs), "\nAlpha at bf16: no change from base, in 2 layers\n");
}

TEST(Comparison, SaysWhereNothingIsCompared) {
  const std::vector<NamedRun> precisions{{"a", view_of(sample_run(2, {"bf16"}))},
                                         {"b", view_of(sample_run(2, {"fp16"}))}};
  EXPECT_EQ(comparison_text(precisions), "\nNothing is compared: no precision has spectra in all runs.\n");
  SampleRun other = run_with("v", 5);
  other.run.layers[0].name = "another";
  const std::vector<NamedRun> names{{"a", view_of(run_with("k", 4))}, {"b", view_of(other)}};
  EXPECT_THAT(comparison_text(names),
              HasSubstr("\nNothing is compared: no layer has an alpha at bf16 in a and in another run.\n"));
}

TEST(Comparison, ListsLayersThatOnlyOneRunHas) {
  const SampleRun small = sample_run(2, {"bf16"});
  const SampleRun large = sample_run(13, {"bf16"});
  const std::string text =
      comparison_text(std::vector<NamedRun>{{"s", view_of(small)}, {"l", view_of(large)}});
  EXPECT_THAT(text, HasSubstr("\nOnly in l: 11 layers\n  model.layers.0.self_attn.v_proj\n"));
  EXPECT_THAT(text, HasSubstr("  model.layers.1.mlp.gate_proj\n  and 1 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("Only in s")));
}

std::filesystem::path store(const SampleRun& sample, const std::filesystem::path& file) {
  create_folders(file.parent_path());
  write_results(file, sample.run, everything_in(sample.run), [&](std::int64_t layer) {
    LayerRecord record;
    record.layer = layer;
    record.results = {sample.rows[static_cast<std::size_t>(layer - 1)]};
    return record;
  });
  return file;
}

TEST(Comparison, OfFilesCalledAlikeNamesReportsAfterTheirFolders) {
  const TemporaryFolder folder;
  const std::vector<std::filesystem::path> files{
      store(run_with("k", 4), folder.path() / "base" / "alpha_hill.h5"),
      store(run_with("k", 5), folder.path() / "tuned" / "alpha_hill.h5"),
  };
  ReportSettings settings;
  settings.output_dir = folder.path() / "out";
  write_comparison(files, settings);
  for (const char* file : {"comparison.csv", "comparison.png", "base/precision_alpha_hill_results.csv",
                           "tuned/precision_summary_statistics.csv", "tuned/plots/all_layers_combined.png"}) {
    EXPECT_TRUE(std::filesystem::exists(settings.output_dir / file)) << file;
  }
}

TEST(Comparison, NamesReportsAfterFilesThatHaveNamesOfTheirOwn) {
  const TemporaryFolder folder;
  const std::vector<std::filesystem::path> files{
      store(run_with("k", 4), folder.path() / "base" / "alpha_hill.h5"),
      store(run_with("k", 5), folder.path() / "llama.h5"),
  };
  ReportSettings settings;
  settings.output_dir = folder.path() / "out";
  write_comparison(files, settings);
  for (const char* file :
       {"base/precision_alpha_hill_results.csv", "llama/precision_alpha_hill_results.csv"}) {
    EXPECT_TRUE(std::filesystem::exists(settings.output_dir / file)) << file;
  }
}

TEST(Comparison, OfOtherRunsIsNotOverwrittenUnasked) {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return store(run_with("k", 4), folder.path() / name); };
  const std::vector<std::filesystem::path> first{file("a.h5"), file("b.h5")};
  const std::vector<std::filesystem::path> second{first[0], file("c.h5")};
  ReportSettings settings;
  settings.output_dir = folder.path() / "out";
  write_comparison(first, settings);
  settings.other_settings = OtherSettings::sub_folder;
  EXPECT_EQ(write_comparison(first, settings).csv, settings.output_dir / "comparison.csv");
  EXPECT_EQ(write_comparison(second, settings).csv, settings.output_dir / "a_c/comparison.csv");
  settings.other_settings = OtherSettings::refuse;
  EXPECT_THAT(thrown_by([&] { write_comparison(second, settings); }).value().what(),
              HasSubstr("--overwrite"));
}

TEST(Comparison, ThatIsReplacedLeavesNothingButTheFoldersOfTheRuns) {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return store(run_with("k", 4), folder.path() / name); };
  const std::vector<std::filesystem::path> first{file("a.h5"), file("out/b/alpha_hill.h5")};
  const std::vector<std::filesystem::path> second{first[0], file("c.h5")};
  folder.write("out/a/notes.txt", "mine");
  ReportSettings settings = settings_for(folder);
  write_comparison(first, settings);
  write_comparison(second, settings);
  const std::set<std::string> files = files_under(settings.output_dir);
  EXPECT_THAT(files, testing::IsSupersetOf({"comparison.csv", "comparison.png", "a/notes.txt",
                                            "c/precision_alpha_hill_results.csv",
                                            "b/precision_alpha_hill_results.csv"}))
      << "b is the folder of a run, whose own tables these may be";
  remove_report(settings.output_dir);
  EXPECT_THAT(files_under(settings.output_dir), testing::Not(testing::Contains(HasSubstr("c/"))));
  EXPECT_FALSE(std::filesystem::exists(settings.output_dir / "comparison.png"));
}

}  // namespace
}  // namespace alphahill
