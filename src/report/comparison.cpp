#include "report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "alphahill/base/text.hpp"
#include "report/csv.hpp"
#include "report/moves.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

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

/// Layers that have an alpha in the first run and in another, and the run in which it is farthest from the first's.
std::vector<Move> farthest_moves(std::span<const NamedRun> runs, const std::string& precision) {
  const std::vector<Alphas> alphas = alphas_of(runs);
  std::vector<Move> moves;
  for (const ReportedLayer& layer : runs.front().view.layers) {
    const Key key{layer.layer.name, precision};
    const double from = value_at(alphas.front(), key);
    Move farthest{key.first, runs.front().name, from, from};
    bool is_compared = false;
    for (std::size_t i = 1; i < runs.size(); ++i) {
      const Move move{key.first, runs[i].name, from, value_at(alphas[i], key)};
      is_compared = is_compared || !std::isnan(move.change());
      keep_farther(farthest, move);
    }
    if (is_compared) moves.push_back(farthest);
  }
  sort_by_distance(moves);
  return moves;
}

std::string ranking_text(std::span<const NamedRun> runs) {
  const std::string precision = common_precision(runs);
  if (precision.empty()) return "\nNothing is compared: no precision has spectra in all runs.\n";
  const std::string& first = runs.front().name;
  std::vector<Move> moves = farthest_moves(runs, precision);
  if (moves.empty()) {
    return fmt::format("\nNothing is compared: no layer has an alpha at {} in {} and in another run.\n",
                       precision, first);
  }
  const auto compared = static_cast<std::int64_t>(moves.size());
  std::erase_if(moves, [](const Move& move) { return move.change() == 0; });
  if (moves.empty()) {
    return fmt::format("\nAlpha at {}: no change from {}, in {}\n", precision, first,
                       counted(compared, "layer"));
  }
  std::string text = fmt::format("\nAlpha at {}, relative change from {}: largest of {}\n", precision, first,
                                 counted(std::ssize(moves), "layer"));
  for (const Move& move : std::span(moves).first(std::min(moves.size(), most_listed))) {
    text += fmt::format("  {:>9}  {}  {}  {}\n", change_text(move.change(), 2), alphas_text(move), move.where,
                        shortened(move.layer, longest_name));
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
  for (const std::string& line : some_of(layers, most_listed)) {
    text += fmt::format("  {}\n", shortened(line, longest_name));
  }
  return text;
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

std::string comparison_plot_name(PlotFormat format) {
  return fmt::format("comparison.{}", name_of(format));
}

std::optional<ChartTable> comparison_table(std::span<const NamedRun> runs) {
  const std::string precision = common_precision(runs);
  const std::vector<Alphas> alphas = alphas_of(runs);
  const std::vector<LayerLabel> labels = layer_labels(runs.front().view.layers);
  const Roles roles = roles_of(runs.front().view);
  ChartTable table;
  table.roles.names = roles.names;
  for (const NamedRun& run : runs) {
    table.series.push_back({run.name, table.series.size(), table.series.empty(), {}, {}});
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const ReportedLayer& layer = runs.front().view.layers[i];
    if (layer.few_eigenvalues) continue;
    const Key key{layer.layer.name, precision};
    if (!std::ranges::all_of(alphas, [&](const Alphas& of_run) { return of_run.contains(key); })) continue;
    table.layers.push_back(labels[i]);
    table.roles.of_layer.push_back(roles.of_layer[i]);
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

}  // namespace alphahill
