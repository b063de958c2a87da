/// What the tables and plots in a folder were made with: report_settings.json beside them.
///
///   {
///     "version": "0.1.0 (...)",
///     "sources": [{"file": "../alpha_hill.h5", "model": "org/name", "version": "0.1.0 (...)"}],
///     "k_frac": 0.1,
///     "precisions": ["fp32", "bf16"],
///     "all_precisions": true,
///     "filter_layers": "",
///     "all_layers": true,
///     "min_eigenvalues": 0,
///     "base": "",
///     "metrics": []
///   }
///
/// Files are named relative to the folder, so that both can be moved together. all_precisions and all_layers
/// say that these are what the runs asked for, not what was selected of it: such a report has the same settings as one
/// that is made when the run has more precisions or layers. Which layers the tables have is not repeated here, but read
/// from the tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "alphahill/results/view.hpp"

namespace alphahill {

inline constexpr const char* settings_name = "report_settings.json";

struct ReportSource {
  std::filesystem::path file;
  std::string model;
  std::string version;  ///< of alphahill that computed it
};

struct RecordedSettings {
  std::string version;  ///< of alphahill that wrote the report
  std::vector<ReportSource> sources;
  double k_frac = 0;
  std::vector<std::string> precisions;
  bool all_precisions = true;
  std::string filter_layers;
  bool all_layers = true;
  std::int64_t min_eigenvalues = 0;
  std::string base = {};  ///< the precision that changes are relative to, where it was selected
  std::vector<std::string> metrics = {};
  std::set<std::string> layers = {};  ///< in the tables, as these spell them
};

/// Of a run: the name of its results file, or of its folder where the file is called as all are.
std::string short_name(const std::filesystem::path& results_file);

/// A name for each run that is short and safe in a file system.
std::vector<std::string> run_names(std::span<const std::filesystem::path> results_files);

/// Those of a report on one run.
RecordedSettings recorded_settings(const ReportView& view, const std::string& version);

/// A setting that two reports differ in.
struct SettingDifference {
  std::string name;         ///< "k_frac"
  std::string stored;       ///< its value in the report that is there; empty where that is not known
  std::string wanted;       ///< its value in the new one
  std::string folder_part;  ///< of the name of a folder for the new one: "k_frac_0.05"
};

/// What distinguishes a new report from one that is there; versions and models do not.
/// @param stored  nothing: not known; then what the new one would be called by, its k-frac at least
std::vector<SettingDifference> differences(const RecordedSettings& wanted,
                                           const std::optional<RecordedSettings>& stored);

void save_settings(const std::filesystem::path& folder, const RecordedSettings& settings);

/// With the layers of the tables in the folder. Nothing where it has no such file, or one that cannot be read.
std::optional<RecordedSettings> stored_settings(const std::filesystem::path& folder);

}  // namespace alphahill
