#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/missing_figures.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/moves.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_moving = 5;
constexpr std::size_t longest_shown_name = 80;
constexpr std::size_t most_reasons = 5;

std::string statistics_table(const ReportView& view) {
  if (view.precisions.empty()) return {};
  std::size_t width = 10;
  for (const std::string& precision : view.precisions) width = std::max(width, precision.size() + 1);
  std::string text = fmt::format("{:<{}}{:>7}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "precision",
                                 width, "count", "mean", "std", "min", "median", "max", "q25", "q75");
  for (std::size_t i = 0; i < view.precisions.size(); ++i) {
    const Statistics s = statistics_of(view.alphas(i));
    text += fmt::format("{:<{}}{:>7}", view.precisions[i], width, s.count);
    for (const double value : {s.mean, s.std, s.min, s.median, s.max, s.q25, s.q75}) {
      text += std::isnan(value) ? fmt::format("{:>11}", "-") : fmt::format("{:>11.6f}", value);
    }
    text += '\n';
  }
  return text;
}

/// Each layer and the precision at which its alpha is farthest from the reference, farthest first.
std::vector<Move> moves_of(const ReportView& view) {
  std::vector<Move> moves;
  for (const ReportedLayer& layer : view.layers) {
    const double from = layer.reference_alpha;
    Move farthest{layer.layer.name, view.reference, from, from};
    for (const ResultRow& row : layer.figures)
      keep_farther(farthest, {layer.layer.name, row.precision, from, row.alpha});
    if (farthest.where != view.reference) moves.push_back(farthest);
  }
  sort_by_distance(moves);
  return moves;
}

std::string moves_text(const ReportView& view) {
  const auto is_reference = [&](const std::string& precision) { return precision == view.reference; };
  if (std::ranges::all_of(view.precisions, is_reference)) return {};
  const auto has_none = [](const ReportedLayer& layer) { return std::isnan(layer.reference_alpha); };
  if (std::ranges::all_of(view.layers, has_none)) return {};
  const std::vector<Move> moves = moves_of(view);
  if (moves.empty()) return "\nNo layer moves between precisions.\n";
  std::string text = fmt::format("\nLayers that move most, from {}:\n", view.reference);
  for (const Move& move : std::span(moves).first(std::min(moves.size(), most_moving))) {
    text += fmt::format("  {}  {} ({}, {})\n", shortened(move.layer, longest_shown_name), alphas_text(move),
                        move.where, change_text(move.change(), 2));
  }
  return text;
}

std::string missing_text(const ReportView& view) {
  MissingFigures missing;
  for (const ReportedLayer& layer : view.layers) {
    for (const ResultRow& row : layer.figures) missing.add(row);
    for (const ResultRow& row : layer.surveyed) missing.add(row);
  }
  if (missing.layers() == 0) return {};
  std::vector<std::string> reasons;
  for (const MissingReason& reason : missing.by_reason()) {
    reasons.push_back(
        fmt::format("{} at {}: {}", reason.layers.size(), fmt::join(reason.precisions, ", "), reason.text()));
  }
  std::string text = fmt::format("\nWithout a figure: {} of {}\n", missing.layers(),
                                 counted(std::ssize(view.layers), "layer"));
  for (const std::string& line : some_of(reasons, most_reasons)) text += fmt::format("  {}\n", line);
  return text;
}

/// Layers that are stored alike.
struct StoredAlike {
  std::int64_t layers = 0;
  double weights = 0;
  double bits = 0;
};

std::string dequantized_text(const ReportView& view) {
  std::map<std::string, StoredAlike> forms;
  std::int64_t layers = 0;
  for (const ReportedLayer& reported : view.layers) {
    const LayerRow& layer = reported.layer;
    if (!layer.dequantized) continue;
    StoredAlike& form = forms[layer.stored_as];
    const auto weights = static_cast<double>(layer.numel);
    form.layers += 1;
    form.weights += weights;
    form.bits += layer.bits_per_weight * weights;
    ++layers;
  }
  if (layers == 0) return {};
  std::string text =
      fmt::format("\nStored quantized: {} of {}; their figures are of the dequantized weights\n", layers,
                  counted(std::ssize(view.layers), "layer"));
  for (const auto& [stored_as, form] : forms) {
    text +=
        fmt::format("  {} as {}, {:.4g} bits a weight\n", form.layers, stored_as, form.bits / form.weights);
  }
  return text;
}

}  // namespace

std::string summary_text(const ReportView& view) {
  return statistics_table(view) + dequantized_text(view) + moves_text(view) + missing_text(view);
}

std::string written_text(const WrittenReport& written) {
  const std::string metrics =
      written.metrics_csv ? fmt::format("         {}\n", written.metrics_csv->string()) : "";
  return fmt::format("Written: {}\n         {}\n         {}\n{}         {} in {}\n",
                     written.results_csv.string(), written.summary_csv.string(),
                     written.sensitivity_csv.string(), metrics, counted(written.plots, "plot"),
                     written.plots_folder.string());
}

}  // namespace alphahill
