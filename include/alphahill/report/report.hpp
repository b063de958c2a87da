/// The report on a stored run: the CSVs, the plots, and the summary for the terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/report/picture.hpp"
#include "alphahill/results/view.hpp"

namespace alphahill {

enum class IndividualPlots : std::uint8_t { automatic, always, never };

/// What becomes of a report in the output folder that was made with other settings (another source, k-frac,
/// precisions or layers).
enum class OtherSettings : std::uint8_t {
  replace,     ///< it is removed
  refuse,      ///< it stays; an error
  sub_folder,  ///< it stays; the new one goes into a sub-folder whose name says its settings
};

struct ReportSettings {
  Selection selection;
  std::filesystem::path output_dir;
  OtherSettings other_settings = OtherSettings::replace;
  std::string version;  ///< of alphahill, recorded beside the report
  PlotFormat plot_format = PlotFormat::png;
  /// In the combined plots; 0: all in one. Nothing: 10, or all in one where that would make more than 30 plots.
  std::optional<std::int64_t> max_layers_per_plot;
  IndividualPlots individual_plots = IndividualPlots::automatic;  ///< automatic: up to 500 layers
};

/// @throws Error(usage) naming the option and what it may be
PlotFormat parse_plot_format(std::string_view text);
IndividualPlots parse_individual_plots(std::string_view text);

inline constexpr const char* results_csv_name = "precision_alpha_hill_results.csv";
inline constexpr const char* summary_csv_name = "precision_summary_statistics.csv";
inline constexpr const char* sensitivity_csv_name = "precision_sensitivity.csv";
inline constexpr const char* metrics_csv_name = "spectral_metrics.csv";
inline constexpr const char* comparison_csv_name = "comparison.csv";
inline constexpr const char* plots_folder_name = "plots";

struct WrittenReport {
  std::filesystem::path results_csv;
  std::filesystem::path summary_csv;
  std::filesystem::path sensitivity_csv;
  std::filesystem::path plots_folder;
  std::int64_t plots = 0;
  std::optional<std::filesystem::path> metrics_csv = {};  ///< where metrics were selected
};

/// The view of a results file that a report shows; warns of unfinished layers and inexact figures.
/// @throws Error as ResultsFile::open and view_of
ReportView open_view(const std::filesystem::path& results_file, const Selection& selection);

/// Writes precision_alpha_hill_results.csv, precision_summary_statistics.csv, precision_sensitivity.csv, where metrics
/// were selected spectral_metrics.csv, and, beside them, the settings that they were made with (report_settings.json)
/// into the output folder, then the plots into plots/ there, with a progress line on standard error.
/// @throws Error(usage) where other_settings is to refuse and does
/// @throws Error(system) naming the file that cannot be written; says whether the CSVs are there then
WrittenReport write_report(const ReportView& view, const ReportSettings& settings);

/// Removes the tables and plots that earlier reports left in an output folder, those of a comparison in the folders of
/// its runs too; other files stay.
void remove_report(const std::filesystem::path& output_dir);

/// For the end of a run: the summary statistics, those of flat spectra left out, the layers that move most between
/// precisions, what rounding does to the weights and which layers are likely to mind most, and how many layers lack a
/// figure and why.
std::string summary_text(const ReportView& view);
/// Where the files are.
std::string written_text(const WrittenReport& written);

/// Writes CSVs and plots from a results file, and prints the summary and where they are on standard output.
void print_report(const std::filesystem::path& results_file, const ReportSettings& settings);

struct WrittenComparison {
  std::vector<WrittenReport> reports;
  std::filesystem::path csv;
  std::string summary;  ///< for the terminal: the layers that move most, and those that only one run has
};

/// Several runs: comparison.csv and a plot `comparison` of the layers that they share by name, and a report
/// on each in a folder of its own, called after its file (or after the file's folder where files are called
/// alike).
/// @param results_files  two or more
/// @throws Error as open_view and write_report
WrittenComparison write_comparison(std::span<const std::filesystem::path> results_files,
                                   const ReportSettings& settings);

}  // namespace alphahill
