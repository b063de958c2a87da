#include "report/comparison.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "report/csv.hpp"
#include "report/file_name.hpp"
#include "report/plots/picture_file.hpp"

namespace alphahill {

namespace {

namespace fs = std::filesystem;

/// Layer name and precision.
using Key = std::pair<std::string, std::string>;
using Alphas = std::map<Key, double>;

Alphas alphas_of(const ReportView& view) {
  Alphas alphas;
  for (const ReportedLayer& layer : view.layers) {
    for (const ResultRow& row : layer.figures) alphas[{layer.layer.name, row.precision}] = row.alpha;
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
  return found == alphas.end() ? no_figure : found->second;
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

/// A name for each run that is short and safe in a file system: of its file, or of its folder where files are
/// called alike.
std::vector<std::string> run_names(std::span<const fs::path> files) {
  std::set<fs::path> stems;
  for (const fs::path& file : files) stems.insert(file.stem());
  const bool distinct = stems.size() == files.size();
  std::vector<std::string> names;
  FileNames given_out;
  for (const fs::path& file : files) {
    names.push_back(
        given_out.make("", (distinct ? file.stem() : fs::absolute(file).parent_path().filename()).string()));
  }
  return names;
}

}  // namespace

std::string comparison_csv(std::span<const NamedRun> runs) {
  std::string csv = "layer_name,precision";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    csv += ',' + csv_text("alpha_" + runs[i].name);
    if (i > 0) csv += ',' + csv_text("change_" + runs[i].name);
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
    table.series.push_back({run.name, table.series.size(), table.series.empty(), {}});
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Key key{runs.front().view.layers[i].layer.name, precision};
    if (!std::ranges::all_of(alphas, [&](const Alphas& of_run) { return of_run.contains(key); })) continue;
    table.layers.push_back(labels[i]);
    for (std::size_t r = 0; r < runs.size(); ++r) table.series[r].alphas.push_back(alphas[r].at(key));
  }
  if (table.layers.empty()) return std::nullopt;
  table.title = fmt::format("alpha at {} in {} runs", precision, runs.size());
  table.subtitle = counted(std::ssize(table.layers), "layer") + " that all runs have";
  table.reference_name = runs.front().name;
  table.reference = table.series.front().alphas;
  table.changes = scale_of(table);
  return table;
}

WrittenComparison write_comparison(std::span<const fs::path> results_files, const ReportSettings& settings) {
  const std::vector<std::string> names = run_names(results_files);
  std::vector<NamedRun> runs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    runs.push_back({names[i], open_view(results_files[i], settings.selection)});
  }
  WrittenComparison written{{}, settings.output_dir / "comparison.csv"};
  create_folders(settings.output_dir);
  save_text(written.csv, comparison_csv(runs));
  for (const NamedRun& run : runs) {
    ReportSettings own = settings;
    own.output_dir /= run.name;
    written.reports.push_back(write_report(run.view, own));
  }
  if (const auto table = comparison_table(runs)) {
    const fs::path plot = settings.output_dir / fmt::format("comparison.{}", name_of(settings.plot_format));
    draw_plots({{plot, [&] { return draw_layers(*table); }}}, settings.plot_format);
  } else {
    spdlog::warn("no layer is in all files at the same precision: there is no plot of the comparison");
  }
  return written;
}

}  // namespace alphahill
