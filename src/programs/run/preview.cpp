#include "programs/run/preview.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>
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

double bytes_of_memory(const Catalog& catalog, const AnalysisSettings& settings,
                       const Prediction& prediction) {
  std::int64_t most = 0;
  for (const auto& [number, team_size] : prediction.team_sizes) {
    const Layer& layer = catalog.layers.at(static_cast<std::size_t>(number - 1));
    most = std::max(most, bytes_needed(layer, settings, team_size));
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

/// As make_plan takes it.
std::vector<std::int32_t> stored_precisions_of(const Catalog& catalog, const StoredLayers& stored) {
  std::vector<std::int32_t> precisions;
  for (const Layer& layer : catalog.layers) {
    const auto found = stored.precisions.find(layer.name);
    precisions.push_back(found == stored.precisions.end() ? 0 : found->second);
  }
  return precisions;
}

/// "fp32 3 min, fp16 3 min, bf16 0 s, nvfp4 12 s (survey)": seconds of a core that each precision adds.
std::string parts_text(const Catalog& catalog, const AnalysisSettings& settings, const Plan& plan,
                       std::span<const std::int32_t> stored, const CostModel& cost) {
  std::vector<std::string> parts;
  AnalysisSettings some = settings;
  some.precisions.clear();
  some.survey.clear();
  double before = 0;
  const auto add = [&](std::vector<Precision>& to, const Precision& precision, const char* depth) {
    to.push_back(precision);
    double work = 0;
    for (const PlannedLayer& layer : plan.layers) {
      const auto index = static_cast<std::size_t>(layer.number - 1);
      const auto there = std::min(stored[index], static_cast<std::int32_t>(some.precisions.size()));
      if (std::cmp_equal(there, some.precisions.size()) && some.survey.empty()) continue;
      work += cost.work(shape_of(catalog.layers[index], some, there), 1);
    }
    parts.push_back(
        fmt::format("{} {}{}", precision.name, human_seconds(std::max(work - before, 0.0)), depth));
    before = work;
  };
  for (const Precision& precision : settings.precisions) add(some.precisions, precision, "");
  for (const Precision& precision : settings.survey) add(some.survey, precision, " (survey)");
  return plan.layers.empty() ? "nothing" : joined(parts) + ", on one core";
}

Plan plan_of(const Catalog& catalog, const AnalysisSettings& settings, const std::set<std::string>& finished,
             std::span<const std::int32_t> stored, const CostModel& cost, const BlockLayout& ranks,
             std::int64_t memory) {
  const auto state = [&](std::int64_t number) {
    const Layer& layer = catalog.layers.at(static_cast<std::size_t>(number - 1));
    const bool to_do = !finished.contains(layer.name) && smallest_team(layer, settings, ranks, memory);
    return to_do ? LayerState::waiting : LayerState::finished;
  };
  return with_end(make_plan(catalog, settings, ranks, memory, state, stored), cost, ranks);
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

std::string preview(const Catalog& catalog, const AnalysisSettings& settings, const StoredLayers& stored,
                    const BlockLayout& ranks, const MemoryShare& memory) {
  const CostModel cost = measured_cost(catalog, settings);
  const std::vector<std::int32_t> precisions = stored_precisions_of(catalog, stored);
  const Plan plan =
      plan_of(catalog, settings, stored.finished, precisions, cost, ranks, memory.bytes - program_bytes);
  const Prediction prediction = predict(plan, cost, ranks);
  double bytes = 0;
  for (const PlannedLayer& layer : plan.layers) {
    bytes += static_cast<double>(passes(layer.shape) * layer.shape.stored_bytes + layer.shape.partner_bytes);
  }
  return fmt::format(
      "checkpoint  {}\n"
      "layers      {}{}\n"
      "to read     {}\n"
      "memory      {} a rank at most, of {} ({})\n"
      "teams       {}\n"
      "time        about {} on {}, at the rates of this core\n"
      "of which    {}\n"
      "efficiency  {:.2f}: the work of one rank after another, against the time of all of them\n"
      "done last   {}\n",
      printable(catalog.folder), catalog.layers.size(), left_out_text(catalog, stored.finished, plan),
      human_bytes(bytes), human_bytes(bytes_of_memory(catalog, settings, prediction)),
      human_bytes(static_cast<double>(memory.bytes)), memory.source, teams_text(prediction),
      human_seconds(prediction.seconds), counted(ranks.ranks, "rank"),
      parts_text(catalog, settings, plan, precisions, cost), prediction.efficiency,
      critical_text(catalog, plan, cost, prediction));
}

void require_computable_layer(const Catalog& catalog, const AnalysisSettings& settings,
                              const std::set<std::string>& finished, const BlockLayout& ranks,
                              std::int64_t memory_per_rank) {
  MissingFigures missing;
  std::int64_t number = 0;
  for (const Layer& layer : catalog.layers) {
    std::optional<LeftOut> reason = left_out(layer, {});
    if (!reason) reason = too_large(layer, settings, ranks, memory_per_rank);
    if (!reason || finished.contains(layer.name)) return;
    const LayerRecord record = record_without_figures(++number, settings, reason->status, reason->reason);
    for (const ResultRow& row : record.results) missing.add(row);
  }
  throw no_figure_at_all(missing, number, catalog.folder);
}

}  // namespace alphahill
