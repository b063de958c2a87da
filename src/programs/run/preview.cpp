#include "programs/run/preview.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "alphahill/analysis/layer_record.hpp"
#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "alphahill/schedule/prediction.hpp"
#include "programs/run/left_out.hpp"
#include "programs/run/run.hpp"

namespace alphahill {

namespace {

/// "630 layers on one rank, 378 on teams of 2".
std::string teams_text(const Prediction& prediction) {
  std::map<int, std::int64_t> layers;
  for (const auto& [layer, size] : prediction.team_sizes) ++layers[size];
  std::vector<std::string> parts;
  for (const auto& [size, count] : layers) {
    parts.push_back(counted(count, "layer") +
                    (size == 1 ? " on one rank" : fmt::format(" on teams of {}", size)));
  }
  return parts.empty() ? "nothing to compute" : joined(parts);
}

double bytes_of_memory(const Catalog& catalog, const Prediction& prediction) {
  std::int64_t most = 0;
  for (const auto& [number, team_size] : prediction.team_sizes) {
    most = std::max(most, bytes_needed(catalog.layers.at(static_cast<std::size_t>(number - 1)), team_size));
  }
  return static_cast<double>(most + program_bytes);
}

std::string critical_text(const Catalog& catalog, const Plan& plan, const CostModel& cost,
                          const Prediction& prediction) {
  const std::int64_t number = prediction.critical_layer;
  const auto layer = std::ranges::find(plan.layers, number, &PlannedLayer::number);
  if (layer == plan.layers.end()) return "none";
  const double seconds = cost.seconds(layer->shape, prediction.team_sizes.at(number)).leader;
  return fmt::format("{}, which takes {}", catalog.layers.at(static_cast<std::size_t>(number - 1)).name,
                     human_seconds(seconds));
}

Plan plan_of(const Catalog& catalog, const AnalysisSettings& settings, const std::set<std::string>& finished,
             const CostModel& cost, const BlockLayout& ranks, std::int64_t memory) {
  const auto state = [&](std::int64_t number) {
    const Layer& layer = catalog.layers.at(static_cast<std::size_t>(number - 1));
    const bool to_do = !finished.contains(layer.name) && smallest_team(layer, ranks, memory);
    return to_do ? LayerState::waiting : LayerState::finished;
  };
  return with_end(make_plan(catalog, settings, ranks, memory, state), cost, ranks);
}

/// ", of which 12 are done and 3 cannot be analysed and 126 need more memory than any team's ranks have".
std::string left_out_text(const Catalog& catalog, const std::set<std::string>& finished, const Plan& plan) {
  std::int64_t done = 0;
  std::int64_t cannot = 0;
  for (const Layer& layer : catalog.layers) {
    if (layer.unsupported() != nullptr) {
      ++cannot;
    } else if (finished.contains(layer.name)) {
      ++done;
    }
  }
  const auto too_large = std::ssize(catalog.layers) - std::ssize(plan.layers) - cannot - done;
  std::string text = ", of which ";
  if (done > 0) text += fmt::format("{} are done and ", done);
  text += fmt::format("{} cannot be analysed", cannot);
  if (too_large > 0) text += fmt::format(" and {} need more memory than any team's ranks have", too_large);
  return text;
}

}  // namespace

std::string preview(const Catalog& catalog, const AnalysisSettings& settings,
                    const std::set<std::string>& finished, const BlockLayout& ranks,
                    const MemoryShare& memory) {
  const CostModel cost = measured_cost(catalog, settings);
  const Plan plan = plan_of(catalog, settings, finished, cost, ranks, memory.bytes - program_bytes);
  const Prediction prediction = predict(plan, cost, ranks);
  double bytes = 0;
  for (const PlannedLayer& layer : plan.layers) {
    bytes += static_cast<double>(layer.shape.decompositions * layer.shape.stored_bytes);
  }
  return fmt::format(
      "checkpoint  {}\n"
      "layers      {}{}\n"
      "to read     {}\n"
      "memory      {} a rank at most, of {} ({})\n"
      "teams       {}\n"
      "time        about {} on {}, at the rates of this core\n"
      "efficiency  {:.2f}: the work of one rank after another, against the time of all of them\n"
      "done last   {}\n",
      printable(catalog.folder), catalog.layers.size(), left_out_text(catalog, finished, plan),
      human_bytes(bytes), human_bytes(bytes_of_memory(catalog, prediction)),
      human_bytes(static_cast<double>(memory.bytes)), memory.source, teams_text(prediction),
      human_seconds(prediction.seconds), counted(ranks.ranks, "rank"), prediction.efficiency,
      critical_text(catalog, plan, cost, prediction));
}

void require_computable_layer(const Catalog& catalog, const AnalysisSettings& settings,
                              const std::set<std::string>& finished, const BlockLayout& ranks,
                              std::int64_t memory_per_rank) {
  MissingFigures missing;
  std::int64_t number = 0;
  for (const Layer& layer : catalog.layers) {
    std::optional<LeftOut> reason = left_out(layer, {});
    if (!reason) reason = too_large(layer, ranks, memory_per_rank);
    if (!reason || finished.contains(layer.name)) return;
    const LayerRecord record = record_without_figures(++number, settings, reason->status, reason->reason);
    for (const ResultRow& row : record.results) missing.add(row);
  }
  throw no_figure_at_all(missing, number, catalog.folder);
}

}  // namespace alphahill
