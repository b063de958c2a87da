/// Which folder a report is written into, so that none that was made with other settings is overwritten
/// unasked.
#pragma once

#include <filesystem>
#include <span>

#include "alphahill/report/report.hpp"
#include "report/recorded_settings.hpp"

namespace alphahill {

/// A report that is about to be written into `output_dir / folder`.
struct PlannedReport {
  std::filesystem::path folder;
  RecordedSettings settings;
};

/// The output folder for these reports: `output_dir`, or a sub-folder of it where it holds a report with
/// other settings and OtherSettings::sub_folder is asked for.
/// @throws Error(usage) naming the settings that differ, where OtherSettings::refuse is asked for
std::filesystem::path output_folder(const std::filesystem::path& output_dir,
                                    std::span<const PlannedReport> reports, OtherSettings other_settings);

/// Makes a folder ready for the tables and plots of these settings: removes those of others, and records
/// these.
void begin_report(const std::filesystem::path& folder, const RecordedSettings& settings);

}  // namespace alphahill
