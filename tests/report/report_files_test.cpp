#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/written_report.hpp"
#include "results/file_size_limit.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(ReportFiles, AFullDiskIsAnErrorThatNamesThePlotAndLeavesNoHalfOfOne) {
  const TemporaryFolder folder;
  const ReportSettings settings = settings_for(folder);
  const SampleRun sample = sample_run(2, {"fp32"});
  {
    const FileSizeLimit disk(4000);
    EXPECT_THAT(
        thrown_by([&] { write(sample, settings); }).value().what(),
        MatchesRegex(".*/out/plots/.*\\.png\\.tmp: pwrite failed: File too large; the CSV files are written, "
                     "the plots are not"));
  }
  EXPECT_THAT(files_under(settings.output_dir),
              ElementsAre("precision_alpha_hill_results.csv", "precision_sensitivity.csv",
                          "precision_summary_statistics.csv", "report_settings.json"));
  write(sample, settings);
}

TEST(ReportFiles, APlotThatCannotBeReplacedIsNamed) {
  const TemporaryFolder folder;
  const ReportSettings settings = settings_for(folder);
  folder.write("out/plots/all_layers_combined.png/a_folder_in_its_place", "");
  EXPECT_THAT(thrown_by([&] { write(sample_run(2, {"fp32"}), settings); }).value().what(),
              HasSubstr("/all_layers_combined.png: rename failed: Is a directory"));
}

TEST(ReportFiles, AreRemovedAndOthersInTheirFoldersStay) {
  const TemporaryFolder folder;
  const ReportSettings settings = settings_for(folder);
  write(sample_run(2, {"fp32"}), settings);
  folder.write("out/plots/combined_batch_3.svg", "of an earlier report");
  folder.write("out/plots/combined_batch_4.png.tmp", "half a plot");
  const std::set<std::string> others{"notes.txt", "plots/category_notes.txt", "plots/sketch.png",
                                     "plots/individual_layers/sketch.png"};
  for (const std::string& other : others) folder.write("out/" + other, "mine");
  remove_report(settings.output_dir);
  EXPECT_EQ(files_under(settings.output_dir), others);
}

TEST(ReportFiles, AreRemovedWithTheirFolders) {
  const TemporaryFolder folder;
  write(sample_run(2, {"fp32"}), settings_for(folder));
  remove_report(folder.path() / "out");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "out"));
  remove_report(folder.path() / "out");
}

}  // namespace
}  // namespace alphahill
