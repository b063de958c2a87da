#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/missing_figures.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/moves.hpp"
#include "report/plots/layer_label.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/scales.hpp"
#include "report/rounding.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_moving = 5;
constexpr std::size_t longest_shown_name = 80;
constexpr std::size_t most_reasons = 5;
constexpr std::size_t most_minding = 5;
constexpr std::size_t most_flat = 3;

/// In a column: six decimals, or of a large figure the power of ten.
std::string cell(double value) {
  return fmt::format("{:>11}", std::isnan(value) ? "-" : alpha_text(value, 6));
}

std::size_t width_of_names(const std::vector<std::string>& precisions) {
  std::size_t width = 10;
  for (const std::string& precision : precisions) width = std::max(width, precision.size() + 1);
  return width;
}

bool is_flat_somewhere(const ReportedLayer& layer) {
  return std::ranges::any_of(layer.figures, [](const ResultRow& row) { return is_flat(row.alpha); });
}

/// Alphas of the layers that are flat at no precision: statistics of all precisions are of the same ones.
std::vector<double> alphas_without_flat(const ReportView& view, std::size_t precision) {
  std::vector<double> alphas = view.alphas(precision);
  for (std::size_t i = 0; i < alphas.size(); ++i) {
    if (is_flat_somewhere(view.layers[i])) alphas[i] = no_figure;
  }
  return alphas;
}

std::string statistics_table(const ReportView& view) {
  if (view.precisions.empty()) return {};
  const std::size_t width = width_of_names(view.precisions);
  std::string text = fmt::format("{:<{}}{:>7}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "precision",
                                 width, "count", "mean", "std", "min", "median", "max", "q25", "q75");
  for (std::size_t i = 0; i < view.precisions.size(); ++i) {
    const Statistics s = statistics_of(alphas_without_flat(view, i));
    text += fmt::format("{:<{}}{:>7}", view.precisions[i], width, s.count);
    for (const double value : {s.mean, s.std, s.min, s.median, s.max, s.q25, s.q75}) text += cell(value);
    text += '\n';
  }
  return text;
}

/// What the statistics leave out.
std::string flat_text(const ReportView& view) {
  std::vector<std::string> layers;
  for (const ReportedLayer& layer : view.layers) {
    const auto flat =
        std::ranges::find_if(layer.figures, [](const ResultRow& row) { return is_flat(row.alpha); });
    if (flat == layer.figures.end()) continue;
    layers.push_back(fmt::format("{} ({} at {})", shortened(layer.layer.name, longest_shown_name),
                                 alpha_text(flat->alpha, 6), flat->precision));
  }
  if (layers.empty()) return {};
  return fmt::format("Left out above, with a flat spectrum (alpha over {}): {} of {}: {}\n", flat_alpha,
                     layers.size(), counted(std::ssize(view.layers), "layer"),
                     joined(some_of(layers, most_flat)));
}

/// Each layer and the precision at which its alpha is farthest from the reference, farthest first.
std::vector<Move> moves_of(const ReportView& view) {
  std::vector<Move> moves;
  for (const ReportedLayer& layer : view.layers) {
    const double from = layer.reference_alpha;
    if (is_flat(from)) continue;
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

/// "int8  8.004  5.7e-3  7.1e-3" in columns, and which layer has the largest error.
std::string rounding_table(const std::vector<Rounding>& roundings, const std::vector<LayerLabel>& labels) {
  std::vector<std::string> names;
  for (const Rounding& rounding : roundings) names.push_back(rounding.precision);
  const std::size_t width = width_of_names(names);
  std::string text = fmt::format("\nRelative error of rounding:\n{:<{}}{:>9}{:>10}{:>10}\n", "precision",
                                 width, "bits", "median", "worst");
  for (const Rounding& rounding : roundings) {
    const auto worst =
        std::ranges::max_element(rounding.errors, {}, [](double e) { return std::fmax(e, -1.0); });
    const auto layer = static_cast<std::size_t>(worst - rounding.errors.begin());
    text +=
        fmt::format("{:<{}}{:>9.5g}{:>10}{:>10}  {}\n", rounding.precision, width, rounding.bits_per_weight,
                    size_text(statistics_of(rounding.errors).median, 3), size_text(*worst, 3),
                    changes_weights(rounding) ? labels[layer].text : "no weight changes");
  }
  return text;
}

/// Precisions at which the same layers have the largest scores, in a line.
std::string minding_text(const std::vector<Rounding>& roundings, const std::vector<LayerLabel>& labels) {
  std::vector<std::pair<std::string, std::vector<std::string>>> rankings;  // layers, precisions
  for (const Rounding& rounding : roundings) {
    std::vector<std::string> layers;
    for (const std::size_t layer : largest_scores(rounding, most_minding))
      layers.push_back(labels[layer].text);
    if (layers.empty()) continue;
    const std::string names = joined(layers);
    auto found = std::ranges::find(rankings, names, [](const auto& ranking) { return ranking.first; });
    if (found == rankings.end()) found = rankings.emplace(found, names, std::vector<std::string>{});
    found->second.push_back(rounding.precision);
  }
  if (rankings.empty()) return {};
  std::string text = "\nLayers that are likely to mind most, by score (effective rank x relative error^2):\n";
  for (const auto& [layers, precisions] : rankings) {
    text += fmt::format("  at {}: {}\n", joined(precisions), layers);
  }
  return text +
         "The score needs the weights alone. On two small models plans by it saved half of what plans by "
         "measured\n"
         "damage did: an indication, not a law. Check a plan by an evaluation.\n";
}

/// A line where weights are rounded to 16 bits and more alone.
std::string rounding_text(const ReportView& view) {
  std::vector<Rounding> roundings = roundings_of(view);
  if (std::ranges::any_of(roundings, &Rounding::scaled)) {
    const std::vector<LayerLabel> labels = layer_labels(view.layers);
    const std::string table = rounding_table(roundings, labels);
    std::erase_if(roundings, [](const Rounding& rounding) { return !rounding.scaled; });
    return table + minding_text(roundings, labels);
  }
  std::vector<std::string> errors;
  for (const Rounding& rounding : roundings) {
    errors.push_back(
        fmt::format("{} {}", rounding.precision, size_text(statistics_of(rounding.errors).median, 3)));
  }
  if (errors.empty()) return {};
  return fmt::format("\nRelative error of rounding, median: {}\n", joined(errors));
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
  return statistics_table(view) + flat_text(view) + dequantized_text(view) + moves_text(view) +
         rounding_text(view) + missing_text(view);
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
