#include "alphahill/report/report.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/progress.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/formats/precision.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "alphahill/results/results_file.hpp"
#include "report/comparison.hpp"
#include "report/csv.hpp"
#include "report/output_folder.hpp"
#include "report/plots/picture_file.hpp"
#include "report/plots/plots.hpp"
#include "report/recorded_settings.hpp"

namespace alphahill {

PlotFormat parse_plot_format(std::string_view text) {
  for (const PlotFormat format : plot_formats) {
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

namespace {

/// What earlier runs left in the file beside that which the last one asked for.
void say_what_is_not_shown(const ReportView& view, const ResultsFile& file, const Selection& selection) {
  const std::string name = printable(file.path().string());
  const std::int64_t layers = std::ssize(file.run().layers);
  const std::int64_t shown = std::ssize(view.layers) + view.unfinished;
  if (!selection.filter_layers && shown < layers) {
    spdlog::info("{}: shown are {} of {}, those that the last run asked for; --filter-layers '' shows all",
                 name, shown, counted(layers, "layer"));
  }
  const std::vector<std::string> asked = file.asked().all_precisions();
  if (selection.precisions.empty() && asked.size() < file.run().precisions.size()) {
    spdlog::info("{}: shown of {} is what the last run asked for, {}; --precisions shows others", name,
                 joined(file.run().precisions), joined(asked));
  }
}

/// The metrics of a layer; precisions that share a spectrum have the same.
std::vector<std::vector<double>> metrics_of(const ReportedLayer& layer, const ResultsFile& file,
                                            const std::vector<std::string>& names) {
  std::vector<std::vector<double>> metrics;
  for (std::size_t p = 0; p < layer.figures.size(); ++p) {
    const ResultRow& row = layer.figures[p];
    const auto same = std::ranges::find(layer.figures, row.spectrum_offset, &ResultRow::spectrum_offset);
    const auto first = static_cast<std::size_t>(same - layer.figures.begin());
    if (layer.few_eigenvalues) {
      metrics.emplace_back(names.size(), no_figure);
    } else {
      metrics.push_back(first < p ? metrics[first] : file.metrics(row, names));
    }
  }
  return metrics;
}

void add_metrics(ReportView& view, const ResultsFile& file, const std::vector<std::string>& names) {
  Progress progress("layers with metrics", std::ssize(view.layers), static_cast<double>(view.layers.size()));
  view.metrics = names;
  for (ReportedLayer& layer : view.layers) {
    layer.metrics = metrics_of(layer, file, names);
    progress.advance(1, layer.layer.name);
  }
}

/// Where no precision is near the weights, changes are those between two formats.
void warn_of_rounded_reference(const ReportView& view) {
  const auto reference = find_precision(view.reference);
  if (!view.base.empty() || view.precisions.size() < 2 || !reference || !reference->scaled()) return;
  spdlog::warn(
      "{}: changes are from {}, which is rounded itself; with fp32 among --precisions of alpha-hill they "
      "are from the weights",
      printable(view.source.string()), view.reference);
}

}  // namespace

ReportView open_view(const std::filesystem::path& results_file, const Selection& selection) {
  const ResultsFile file = ResultsFile::open(results_file);
  const auto spectrum_of = [&](const ResultRow& row) { return file.spectrum(row); };
  ReportView view = view_of(file.run(), file.asked(), file.results(), spectrum_of, selection);
  view.source = results_file;
  if (!selection.metrics.empty()) {
    add_metrics(view, file, selection.metrics);
    if (view.precisions.empty())
      spdlog::warn("--metrics: no precision here has spectra, so there are no metrics");
  }
  if (view.unfinished > 0) {
    const std::string missing = selection.precisions.empty()
                                    ? "that the run has not finished"
                                    : fmt::format("that have not all of {}", joined(view.shown_precisions()));
    spdlog::warn("{}: left out: {} {}", results_file.string(), counted(view.unfinished, "layer"), missing);
  }
  if (selection.precisions.empty() && view.shown_precisions() != file.asked().all_precisions()) {
    spdlog::warn("{}: only some layers have all of {}; shown is what all have, --precisions shows others",
                 results_file.string(), joined(file.asked().all_precisions()));
  }
  say_what_is_not_shown(view, file, selection);
  warn_of_rounded_reference(view);
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

/// Into plots/ of the output folder, which has no others of their format then. @return how many
std::int64_t write_plots(const ReportView& view, const ReportSettings& settings) {
  const std::vector<Plot> plots = view.layers.empty() ? std::vector<Plot>{} : plots_of(view, settings);
  remove_plots_but(plots, settings);
  try {
    draw_plots(plots, settings.plot_format);
  } catch (const Error& error) {
    throw Error(error.fault(), error.where(),
                error.reason() + "; the CSV files are written, the plots are not");
  }
  return std::ssize(plots);
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
                        .sensitivity_csv = folder / sensitivity_csv_name,
                        .plots_folder = folder / plots_folder_name};
  save_text(written.results_csv, results_csv(view));
  save_text(written.summary_csv, summary_csv(view));
  save_text(written.sensitivity_csv, sensitivity_csv(view));
  if (!view.metrics.empty()) {
    written.metrics_csv = folder / metrics_csv_name;
    save_text(*written.metrics_csv, metrics_csv(view));
  }
  written.plots = view.min_eigenvalues > 0 ? write_plots(without_few_eigenvalues(view), chosen)
                                           : write_plots(view, chosen);
  return written;
}

void print_report(const std::filesystem::path& results_file, const ReportSettings& settings) {
  const ReportView view = open_view(results_file, settings.selection);
  const WrittenReport written = write_report(view, settings);
  fmt::print("{}{}", summary_text(view), written_text(written));
}

namespace {

/// The record of what the folder of the comparison holds: settings of the first run, sources and layers of all.
RecordedSettings recorded_settings_of(std::span<const NamedRun> runs, const std::string& version) {
  RecordedSettings all = recorded_settings(runs.front().view, version);
  for (const NamedRun& run : runs.subspan(1)) {
    const RecordedSettings more = recorded_settings(run.view, version);
    all.sources.insert(all.sources.end(), more.sources.begin(), more.sources.end());
    all.layers.insert(more.layers.begin(), more.layers.end());
  }
  return all;
}

/// The comparison itself and a report on each run in a folder of its own.
std::vector<PlannedReport> planned_reports(std::span<const NamedRun> runs, const std::string& version) {
  std::vector<PlannedReport> reports{{{}, recorded_settings_of(runs, version)}};
  for (const NamedRun& run : runs) reports.push_back({run.name, recorded_settings(run.view, version)});
  return reports;
}

}  // namespace

WrittenComparison write_comparison(std::span<const std::filesystem::path> results_files,
                                   const ReportSettings& settings) {
  const std::vector<std::string> names = run_names(results_files);
  std::vector<NamedRun> runs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    runs.push_back({names[i], open_view(results_files[i], settings.selection)});
  }
  const std::vector<PlannedReport> planned = planned_reports(runs, settings.version);
  const std::filesystem::path folder = output_folder(settings.output_dir, planned, settings.other_settings);
  WrittenComparison written{{}, folder / comparison_csv_name, comparison_text(runs)};
  begin_report(folder, planned.front().settings);
  save_text(written.csv, comparison_csv(runs));
  for (const NamedRun& run : runs) {
    ReportSettings own = settings;
    own.output_dir = folder / run.name;
    written.reports.push_back(write_report(run.view, own));
  }
  const std::filesystem::path plot = folder / comparison_plot_name(settings.plot_format);
  std::filesystem::remove(plot);
  if (const auto table = comparison_table(runs)) {
    draw_plots({{plot, [&] { return draw_layers(*table); }}}, settings.plot_format);
  } else {
    spdlog::warn("no layer is in all files at the same precision: there is no plot of the comparison");
  }
  return written;
}

}  // namespace alphahill
