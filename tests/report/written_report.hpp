/// Reports written into temporary folders, and the files that they leave.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "alphahill/report/report.hpp"
#include "results/sample_run.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {

inline ReportSettings settings_for(const TemporaryFolder& folder) {
  ReportSettings settings;
  settings.output_dir = folder.path() / "out";
  return settings;
}

inline void write(const SampleRun& sample, const ReportSettings& settings) {
  EXPECT_GT(write_report(view_of(sample), settings).plots, 0);
}

/// Paths of all files under a folder, relative to it.
inline std::set<std::string> files_under(const std::filesystem::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.insert(std::filesystem::relative(entry.path(), folder).string());
  }
  return files;
}

}  // namespace alphahill
