#include "alphahill/cluster/plan.hpp"

#include <algorithm>
#include <limits>

#include "alphahill/cluster/prediction.hpp"

namespace alphahill {

namespace {

/// Of the time of ranks that are busy all the time: the end of a run that is planned well enough.
constexpr double good_enough = 1.02;
/// From one end that is tried to the next.
constexpr double later = 1.01;
/// What rounding may make of layers that fill a run exactly.
constexpr double slack = 1.002;
constexpr int most_tries = 50;

/// Of ranks that are busy all the time, none in a larger team than it must.
double ideal_seconds(const Plan& plan, const CostModel& cost, const BlockLayout& ranks) {
  double work = 0;
  for (const PlannedLayer& layer : plan.layers) work += cost.work(layer.shape, layer.least_team);
  return work / RankPool(ranks, plan.speeds).speed();
}

}  // namespace

Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings,
               const std::function<LayerState(std::int64_t layer)>& state) {
  Plan plan;
  std::int64_t number = 0;
  for (const Layer& layer : catalog.layers) {
    const LayerState of_layer = state(++number);
    if (!layer.unsupported.empty() || of_layer == LayerState::finished) continue;
    plan.layers.push_back(
        {.number = number, .shape = shape_of(layer, settings), .alone = of_layer == LayerState::suspect});
  }
  return plan;
}

std::int64_t bytes_needed(const LayerShape& shape, int team_size) {
  return peak_bytes({shape.longer_side, shape.order, shape.stored, {}}, team_size);
}

std::optional<int> smallest_team(const LayerShape& shape, const BlockLayout& ranks,
                                 std::int64_t memory_per_rank) {
  std::vector<int> sizes = ranks.team_sizes();
  sizes.insert(sizes.begin(), 1);
  const auto enough =
      std::ranges::find_if(sizes, [&](int size) { return bytes_needed(shape, size) <= memory_per_rank; });
  return enough == sizes.end() ? std::nullopt : std::optional(*enough);
}

Plan with_end(Plan plan, const CostModel& cost, const BlockLayout& ranks, std::int64_t memory_per_rank) {
  for (PlannedLayer& layer : plan.layers) {
    layer.least_team = smallest_team(layer.shape, ranks, memory_per_rank).value();
  }
  const double ideal = ideal_seconds(plan, cost, ranks);
  double best_end = 0;
  double earliest = std::numeric_limits<double>::infinity();
  plan.end_seconds = slack * ideal;
  for (int tries = 0; tries < most_tries && plan.end_seconds < earliest; ++tries, plan.end_seconds *= later) {
    const double seconds = predict(plan, cost, ranks).seconds;
    if (seconds < earliest) best_end = plan.end_seconds;
    earliest = std::min(earliest, seconds);
    if (earliest <= good_enough * ideal) break;
  }
  plan.end_seconds = best_end;
  return plan;
}

}  // namespace alphahill
