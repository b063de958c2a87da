#include "report/comparison.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "report/csv.hpp"
#include "report/file_name.hpp"
#include "report/output_folder.hpp"
#include "report/plots/picture_file.hpp"
#include "report/plots/picture_text.hpp"
#include "report/recorded_settings.hpp"

namespace alphahill {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_listed = 10;
constexpr std::size_t longest_name = 80;

/// Layer name and precision.
using Key = std::pair<std::string, std::string>;
struct Alpha {
  double value = no_figure;
  double error = no_figure;
};
using Alphas = std::map<Key, Alpha>;

Alphas alphas_of(const ReportView& view) {
  Alphas alphas;
  for (const ReportedLayer& layer : view.layers) {
    for (const ResultRow& row : layer.figures) {
      alphas[{layer.layer.name, row.precision}] = {row.alpha, row.alpha_stderr};
    }
  }
  return alphas;
}

std::vector<Alphas> alphas_of(std::span<const NamedRun> runs) {
  std::vector<Alphas> alphas;
  for (const NamedRun& run : runs) alphas.push_back(alphas_of(run.view));
  return alphas;
}

double value_at(const Alphas& alphas, const Key& key) {
  const auto found = alphas.find(key);
  return found == alphas.end() ? no_figure : found->second.value;
}

/// All keys, in the order in which the runs first have them.
std::vector<Key> keys_of(std::span<const NamedRun> runs) {
  std::vector<Key> keys;
  std::set<Key> seen;
  for (const NamedRun& run : runs) {
    for (const ReportedLayer& layer : run.view.layers) {
      for (const ResultRow& row : layer.figures) {
        Key key{layer.layer.name, row.precision};
        if (seen.insert(key).second) keys.push_back(std::move(key));
      }
    }
  }
  return keys;
}

/// The precision to compare at; empty where no precision is in all runs.
std::string common_precision(std::span<const NamedRun> runs) {
  std::vector<std::string> common = runs.front().view.precisions;
  std::erase_if(common, [&](const std::string& precision) {
    return !std::ranges::all_of(runs, [&](const NamedRun& run) {
      return std::ranges::find(run.view.precisions, precision) != run.view.precisions.end();
    });
  });
  if (common.empty()) return {};
  const std::string& widest = runs.front().view.reference;
  return std::ranges::find(common, widest) != common.end() ? widest : common.front();
}

ChangeScale scale_of(const ChartTable& table) {
  std::vector<double> changes;
  for (const Series& series : table.series) {
    for (std::size_t i = 0; i < series.alphas.size(); ++i) {
      changes.push_back(relative_change(series.alphas[i], table.reference[i]));
    }
  }
  return ChangeScale(changes);
}

/// A name for each run that is short and safe in a file system.
std::vector<std::string> run_names(std::span<const fs::path> files) {
  std::set<std::string> short_names;
  for (const fs::path& file : files) short_names.insert(short_name(fs::absolute(file)));
  const bool distinct = short_names.size() == files.size();
  std::vector<std::string> names;
  FileNames given_out;
  for (const fs::path& file : files) {
    const fs::path path = fs::absolute(file);
    names.push_back(given_out.make("", distinct ? short_name(path) : path.parent_path().filename().string()));
  }
  return names;
}

/// A layer, and the run in which its alpha is farthest from that of the first.
struct RunMove {
  std::string layer;
  std::string run;
  double from, to;
  double change() const { return relative_change(to, from); }
};

/// Farthest first; layers that stay where they are left out.
std::vector<RunMove> moves_of(std::span<const NamedRun> runs, const std::string& precision) {
  const std::vector<Alphas> alphas = alphas_of(runs);
  std::vector<RunMove> moves;
  for (const ReportedLayer& layer : runs.front().view.layers) {
    const Key key{layer.layer.name, precision};
    const double from = value_at(alphas.front(), key);
    RunMove farthest{key.first, runs.front().name, from, from};
    for (std::size_t i = 1; i < runs.size(); ++i) {
      const RunMove move{key.first, runs[i].name, from, value_at(alphas[i], key)};
      if (std::abs(move.change()) > std::abs(farthest.change())) farthest = move;
    }
    if (std::abs(farthest.change()) > 0) moves.push_back(farthest);
  }
  std::ranges::stable_sort(moves, std::ranges::greater{},
                           [](const RunMove& move) { return std::abs(move.change()); });
  return moves;
}

std::string ranking_text(std::span<const NamedRun> runs) {
  const std::string precision = common_precision(runs);
  std::vector<RunMove> moves = moves_of(runs, precision);
  if (moves.empty()) return {};
  const std::size_t all = moves.size();
  moves.resize(std::min(all, most_listed));
  std::string text = fmt::format("\nAlpha at {}, relative change from {}: largest of {}\n", precision,
                                 runs.front().name, counted(static_cast<std::int64_t>(all), "layer"));
  for (const RunMove& move : moves) {
    text += fmt::format("  {:>9}  {:.6f} -> {:.6f}  {}  {}\n", change_text(move.change(), 2), move.from,
                        move.to, move.run, shortened(move.layer, longest_name));
  }
  return text;
}

/// Names of the layers of each run that no other has.
std::vector<std::vector<std::string>> layers_of_one_run(std::span<const NamedRun> runs) {
  std::map<std::string, std::size_t> runs_with;
  for (const NamedRun& run : runs) {
    for (const ReportedLayer& layer : run.view.layers) ++runs_with[layer.layer.name];
  }
  std::vector<std::vector<std::string>> alone(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const ReportedLayer& layer : runs[i].view.layers) {
      if (runs_with[layer.layer.name] == 1) alone[i].push_back(layer.layer.name);
    }
  }
  return alone;
}

/// "Only in base: 12 layers", and the first ones.
std::string only_in_text(const std::string& run, const std::vector<std::string>& layers) {
  if (layers.empty()) return {};
  std::string text = fmt::format("\nOnly in {}: {}\n", run, counted(std::ssize(layers), "layer"));
  for (std::size_t i = 0; i < std::min(layers.size(), most_listed); ++i) {
    text += fmt::format("  {}\n", shortened(layers[i], longest_name));
  }
  const bool complete = layers.size() <= most_listed;
  return complete ? text : text + fmt::format("  and {} more\n", layers.size() - most_listed);
}

/// The record of what the folder of the comparison holds: settings of the first run, sources of all.
RecordedSettings recorded_settings(std::span<const NamedRun> runs, const std::string& version) {
  RecordedSettings all = recorded_settings(runs.front().view, version);
  for (const NamedRun& run : runs.subspan(1)) {
    const RecordedSettings more = recorded_settings(run.view, version);
    all.sources.insert(all.sources.end(), more.sources.begin(), more.sources.end());
  }
  return all;
}

/// The comparison itself and a report on each run in a folder of its own.
std::vector<PlannedReport> planned_reports(std::span<const NamedRun> runs, const std::string& version) {
  std::vector<PlannedReport> reports{{{}, recorded_settings(runs, version)}};
  for (const NamedRun& run : runs) reports.push_back({run.name, recorded_settings(run.view, version)});
  return reports;
}

}  // namespace

std::string comparison_csv(std::span<const NamedRun> runs) {
  std::string csv = "layer_name,precision";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    csv += ',' + csv_text("alpha_" + runs[i].name);
    if (i > 0) csv += ',' + csv_text("relative_change_" + runs[i].name);
  }
  csv += '\n';
  const std::vector<Alphas> alphas = alphas_of(runs);
  for (const Key& key : keys_of(runs)) {
    csv += fmt::format("{},{}", csv_text(key.first), csv_text(key.second));
    const double first = value_at(alphas.front(), key);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const double alpha = value_at(alphas[i], key);
      csv += ',' + csv_number(alpha);
      if (i > 0) csv += ',' + csv_number(relative_change(alpha, first));
    }
    csv += '\n';
  }
  return csv;
}

std::optional<ChartTable> comparison_table(std::span<const NamedRun> runs) {
  const std::string precision = common_precision(runs);
  const std::vector<Alphas> alphas = alphas_of(runs);
  const std::vector<LayerLabel> labels = layer_labels(runs.front().view.layers);
  ChartTable table;
  for (const NamedRun& run : runs) {
    table.series.push_back({run.name, table.series.size(), table.series.empty(), {}, {}});
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const ReportedLayer& layer = runs.front().view.layers[i];
    if (layer.few_eigenvalues) continue;
    const Key key{layer.layer.name, precision};
    if (!std::ranges::all_of(alphas, [&](const Alphas& of_run) { return of_run.contains(key); })) continue;
    table.layers.push_back(labels[i]);
    for (std::size_t r = 0; r < runs.size(); ++r) {
      table.series[r].alphas.push_back(alphas[r].at(key).value);
      table.series[r].errors.push_back(alphas[r].at(key).error);
    }
  }
  if (table.layers.empty()) return std::nullopt;
  table.title = fmt::format("alpha at {} in {} runs", precision, runs.size());
  table.subtitle = counted(std::ssize(table.layers), "layer") + " that all runs have";
  table.reference_name = runs.front().name;
  table.reference = table.series.front().alphas;
  table.changes = scale_of(table);
  return table;
}

std::string comparison_text(std::span<const NamedRun> runs) {
  std::string text = ranking_text(runs);
  const std::vector<std::vector<std::string>> alone = layers_of_one_run(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) text += only_in_text(runs[i].name, alone[i]);
  return text;
}

WrittenComparison write_comparison(std::span<const fs::path> results_files, const ReportSettings& settings) {
  const std::vector<std::string> names = run_names(results_files);
  std::vector<NamedRun> runs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    runs.push_back({names[i], open_view(results_files[i], settings.selection)});
  }
  const std::vector<PlannedReport> planned = planned_reports(runs, settings.version);
  const fs::path folder = output_folder(settings.output_dir, planned, settings.other_settings);
  WrittenComparison written{{}, folder / comparison_csv_name, comparison_text(runs)};
  begin_report(folder, planned.front().settings);
  save_text(written.csv, comparison_csv(runs));
  for (const NamedRun& run : runs) {
    ReportSettings own = settings;
    own.output_dir = folder / run.name;
    written.reports.push_back(write_report(run.view, own));
  }
  if (const auto table = comparison_table(runs)) {
    const fs::path plot = folder / fmt::format("comparison.{}", name_of(settings.plot_format));
    draw_plots({{plot, [&] { return draw_layers(*table); }}}, settings.plot_format);
  } else {
    spdlog::warn("no layer is in all files at the same precision: there is no plot of the comparison");
  }
  return written;
}

}  // namespace alphahill
