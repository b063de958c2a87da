#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_moving = 5;
constexpr std::size_t longest_shown_name = 80;
constexpr std::size_t most_reasons = 5;

std::string statistics_table(const ReportView& view) {
  std::string text = fmt::format("{:<10}{:>7}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "precision",
                                 "count", "mean", "std", "min", "median", "max", "q25", "q75");
  for (std::size_t i = 0; i < view.precisions.size(); ++i) {
    const Statistics s = statistics_of(view.alphas(i));
    text += fmt::format("{:<10}{:>7}", view.precisions[i], s.count);
    for (const double value : {s.mean, s.std, s.min, s.median, s.max, s.q25, s.q75}) {
      text += std::isnan(value) ? fmt::format("{:>11}", "-") : fmt::format("{:>11.6f}", value);
    }
    text += '\n';
  }
  return text;
}

/// A layer and the precision at which its alpha is farthest from the reference.
struct PrecisionMove {
  const ReportedLayer* layer;
  const ResultRow* to;
  double change;
};

std::vector<PrecisionMove> moves_of(const ReportView& view) {
  std::vector<PrecisionMove> moves;
  for (const ReportedLayer& layer : view.layers) {
    PrecisionMove farthest{&layer, nullptr, 0};
    for (const ResultRow& row : layer.figures) {
      const double change = relative_change(row.alpha, layer.reference_alpha);
      if (std::abs(change) > std::abs(farthest.change)) farthest = {&layer, &row, change};
    }
    if (farthest.to != nullptr) moves.push_back(farthest);
  }
  std::ranges::stable_sort(moves, std::ranges::greater{},
                           [](const PrecisionMove& move) { return std::abs(move.change); });
  return moves;
}

std::string moves_text(const ReportView& view) {
  const auto is_reference = [&](const std::string& precision) { return precision == view.reference; };
  if (std::ranges::all_of(view.precisions, is_reference)) return {};
  std::vector<PrecisionMove> moves = moves_of(view);
  if (moves.empty()) return "\nNo layer moves between precisions.\n";
  moves.resize(std::min(moves.size(), most_moving));
  std::string text = fmt::format("\nLayers that move most, from {}:\n", view.reference);
  for (const auto& [layer, to, change] : moves) {
    text += fmt::format("  {}  {:.6f} -> {:.6f} ({}, {})\n", shortened(layer->layer.name, longest_shown_name),
                        layer->reference_alpha, to->alpha, to->precision, change_text(change, 2));
  }
  return text;
}

/// Why figures are missing: layers and precisions by reason.
struct Missing {
  std::set<std::int64_t> layers;
  std::set<std::string> precisions;
};

std::map<std::string, Missing> missing_by_reason(const ReportView& view) {
  std::map<std::string, Missing> reasons;
  for (const ReportedLayer& layer : view.layers) {
    for (const ResultRow& row : layer.figures) {
      if (row.status == Status::ok) continue;
      Missing& missing = reasons[fmt::format("{}: {}", name_of(row.status), row.reason)];
      missing.layers.insert(layer.number);
      missing.precisions.insert(row.precision);
    }
  }
  return reasons;
}

std::string missing_text(const ReportView& view) {
  const std::map<std::string, Missing> reasons = missing_by_reason(view);
  if (reasons.empty()) return {};
  std::set<std::int64_t> layers;
  for (const auto& [reason, missing] : reasons) layers.insert(missing.layers.begin(), missing.layers.end());
  std::string text =
      fmt::format("\nWithout a figure: {} of {}\n", layers.size(), counted(std::ssize(view.layers), "layer"));
  std::vector<std::pair<std::string, Missing>> sorted(reasons.begin(), reasons.end());
  std::ranges::stable_sort(sorted, std::ranges::greater{},
                           [](const auto& entry) { return entry.second.layers.size(); });
  sorted.resize(std::min(sorted.size(), most_reasons));
  for (const auto& [reason, missing] : sorted) {
    text +=
        fmt::format("  {} at {}: {}\n", missing.layers.size(), fmt::join(missing.precisions, ", "), reason);
  }
  const bool complete = reasons.size() <= most_reasons;
  const std::int64_t more = std::ssize(reasons) - static_cast<std::int64_t>(most_reasons);
  return complete ? text : text + fmt::format("  and {}\n", counted(more, "more reason"));
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
  return fmt::format("Written: {}\n         {}\n         {} in {}\n", written.results_csv.string(),
                     written.summary_csv.string(), counted(written.plots, "plot"),
                     written.plots_folder.string());
}

}  // namespace alphahill
