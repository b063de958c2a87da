#include "report/output_folder.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "report/comparison.hpp"
#include "report/plots/plots.hpp"

namespace alphahill {

namespace fs = std::filesystem;

namespace {

bool holds_report(const fs::path& folder) {
  return fs::exists(folder / results_csv_name) || fs::exists(folder / comparison_csv_name);
}

/// How a new report differs from the one in a folder; nothing where there is none.
std::vector<SettingDifference> differences_in(const fs::path& folder, const RecordedSettings& wanted) {
  return holds_report(folder) ? differences(wanted, stored_settings(folder))
                              : std::vector<SettingDifference>{};
}

/// How these reports differ from those that are there; of the first one that differs.
std::vector<SettingDifference> differences_in(const fs::path& output_dir,
                                              std::span<const PlannedReport> reports) {
  for (const PlannedReport& report : reports) {
    auto found = differences_in(output_dir / report.folder, report.settings);
    if (!found.empty()) return found;
  }
  return {};
}

/// "k_frac 0.1, here 0.05".
std::string description_of(const std::vector<SettingDifference>& differences) {
  std::vector<std::string> texts;
  for (const SettingDifference& difference : differences) {
    if (difference.stored.empty()) return "which are not recorded";
    texts.push_back(fmt::format("{} {}, here {}", difference.name, difference.stored, difference.wanted));
  }
  return joined(texts, "; ");
}

std::string name_of(const std::vector<SettingDifference>& differences) {
  constexpr std::size_t longest_name = 240;  // leaves room for "_<number>"
  std::vector<std::string> parts;
  for (const SettingDifference& difference : differences) parts.push_back(difference.folder_part);
  return joined(parts, "_").substr(0, longest_name);
}

void remove_tables_and_plots(const fs::path& folder) {
  for (const char* table :
       {results_csv_name, summary_csv_name, sensitivity_csv_name, metrics_csv_name, settings_name})
    fs::remove(folder / table);
  remove_plots(folder);
}

/// What a comparison left besides: its table and plot, and the reports on its runs, but for those that are in the
/// folder of a run itself.
void remove_comparison(const fs::path& output_dir, const RecordedSettings& settings) {
  if (settings.sources.size() < 2) return;
  fs::remove(output_dir / comparison_csv_name);
  for (const PlotFormat format : plot_formats) {
    fs::remove(output_dir / comparison_plot_name(format));
  }
  std::vector<fs::path> files;
  for (const ReportSource& source : settings.sources) files.push_back(source.file);
  const std::vector<std::string> names = run_names(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const fs::path folder = output_dir / names[i];
    std::error_code ignored;
    if (!fs::is_directory(folder) || fs::equivalent(folder, files[i].parent_path(), ignored)) continue;
    remove_tables_and_plots(folder);
    if (fs::is_empty(folder)) fs::remove(folder);
  }
}

}  // namespace

fs::path output_folder(const fs::path& output_dir, std::span<const PlannedReport> reports,
                       OtherSettings other_settings) {
  const std::vector<SettingDifference> found = differences_in(output_dir, reports);
  if (found.empty()) return output_dir;
  const std::string there = fmt::format("{} holds a report made with other settings ({})",
                                        output_dir.string(), description_of(found));
  if (other_settings == OtherSettings::replace) {
    spdlog::info("{}: replaced", there);
    return output_dir;
  }
  if (other_settings == OtherSettings::refuse) {
    throw Error(Fault::usage, "--output-dir", there + "; --overwrite replaces it");
  }
  const fs::path wanted = output_dir / name_of(found);
  fs::path folder = wanted;
  for (int copy = 2; !differences_in(folder, reports).empty(); ++copy) {
    folder = fmt::format("{}_{}", wanted.string(), copy);
  }
  spdlog::info("{}: this one goes to {} (--overwrite replaces the other)", there, folder.string());
  return folder;
}

void remove_report(const fs::path& output_dir) {
  if (const auto settings = stored_settings(output_dir)) remove_comparison(output_dir, *settings);
  remove_tables_and_plots(output_dir);
}

void begin_report(const fs::path& folder, const RecordedSettings& settings) {
  create_folders(folder);
  if (!differences_in(folder, settings).empty()) remove_report(folder);
  save_settings(folder, settings);
}

}  // namespace alphahill
