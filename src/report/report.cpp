#include "alphahill/report/report.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "alphahill/results/results_file.hpp"
#include "report/csv.hpp"
#include "report/output_folder.hpp"
#include "report/plots/plots.hpp"
#include "report/recorded_settings.hpp"

namespace alphahill {

PlotFormat parse_plot_format(std::string_view text) {
  for (const PlotFormat format : {PlotFormat::png, PlotFormat::pdf, PlotFormat::svg}) {
    if (name_of(format) == text) return format;
  }
  throw Error(Fault::usage, "--plot-format", fmt::format("expected png, pdf or svg, found '{}'", text));
}

IndividualPlots parse_individual_plots(std::string_view text) {
  if (text == "auto") return IndividualPlots::automatic;
  if (text == "always") return IndividualPlots::always;
  if (text == "never") return IndividualPlots::never;
  throw Error(Fault::usage, "--individual-plots",
              fmt::format("expected auto, always or never, found '{}'", text));
}

ReportView open_view(const std::filesystem::path& results_file, const Selection& selection) {
  const ResultsFile file = ResultsFile::open(results_file);
  const auto spectrum_of = [&](const ResultRow& row) { return file.spectrum(row); };
  ReportView view = view_of(file.run(), file.results(), spectrum_of, selection);
  view.source = results_file;
  if (view.unfinished > 0) {
    spdlog::warn("{}: left out: {} that the run has not finished", results_file.string(),
                 counted(view.unfinished, "layer"));
  }
  if (selection.precisions.empty() && view.precisions != view.run_precisions) {
    spdlog::warn("{}: only some layers have all of {}; shown is what all have, --precisions shows others",
                 results_file.string(), joined(view.run_precisions));
  }
  if (view.inexact > 0) {
    spdlog::warn(
        "{} at k-frac {} may be off by more than {} of the value; exact ones need alpha-hill with --k-frac "
        "{}",
        counted(view.inexact, "figure"), view.k_frac, largest_gram_error, view.k_frac);
  }
  if (view.unbounded > 0) {
    spdlog::warn(
        "shared with another precision within a bound that holds at the run's k-frac: the spectra of {}; a "
        "bound at {} needs alpha-hill with --k-frac {}",
        counted(view.unbounded, "figure"), view.k_frac, view.k_frac);
  }
  return view;
}

namespace {

ReportView without_few_eigenvalues(ReportView view) {
  std::erase_if(view.layers, [](const ReportedLayer& layer) { return layer.few_eigenvalues; });
  return view;
}

}  // namespace

WrittenReport write_report(const ReportView& view, const ReportSettings& settings) {
  const PlannedReport planned{{}, recorded_settings(view, settings.version)};
  ReportSettings chosen = settings;
  chosen.output_dir = output_folder(settings.output_dir, std::span(&planned, 1), settings.other_settings);
  const std::filesystem::path& folder = chosen.output_dir;
  begin_report(folder, planned.settings);
  WrittenReport written{.results_csv = folder / results_csv_name,
                        .summary_csv = folder / summary_csv_name,
                        .plots_folder = folder / plots_folder_name};
  save_text(written.results_csv, results_csv(view));
  save_text(written.summary_csv, summary_csv(view));
  const ReportView plotted = without_few_eigenvalues(view);
  if (plotted.layers.empty()) return written;
  const std::vector<Plot> plots = plots_of(plotted, chosen);
  written.plots = std::ssize(plots);
  try {
    draw_plots(plots, settings.plot_format);
  } catch (const Error& error) {
    throw Error(error.fault(), error.where(),
                error.reason() + "; the CSV files are written, the plots are not");
  }
  return written;
}

void print_report(const std::filesystem::path& results_file, const ReportSettings& settings) {
  const ReportView view = open_view(results_file, settings.selection);
  const WrittenReport written = write_report(view, settings);
  fmt::print("{}{}", summary_text(view), written_text(written));
}

void remove_report(const std::filesystem::path& output_dir) {
  for (const char* table : {results_csv_name, summary_csv_name, settings_name}) {
    std::filesystem::remove(output_dir / table);
  }
  remove_plots(output_dir);
}

}  // namespace alphahill
