#include "alphahill/cluster/plan.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "alphahill/cluster/prediction.hpp"

namespace alphahill {

namespace {

/// A layer that takes less is not worth a team's coming together.
constexpr double shortest_for_a_team_seconds = 5;
/// Teams are formed where the run is over earlier by this part at least.
constexpr double least_gain = 0.02;
/// So many plans in a row that gain nothing, and the search ends.
constexpr int most_misses = 5;
/// No layer need take less than this part of the run.
constexpr double shortest_part = 0.25;

void sort_longest_first(Plan& plan, const CostModel& cost) {
  std::map<std::pair<LayerShape, int>, double> seconds;
  for (const PlannedLayer& layer : plan.layers) {
    seconds[{layer.shape, layer.team_size}] = cost.seconds(layer.shape, layer.team_size).leader;
  }
  std::ranges::stable_sort(plan.layers, std::greater{}, [&](const PlannedLayer& layer) {
    return seconds.at({layer.shape, layer.team_size});
  });
}

/// The layers' shapes, with the smallest team that each may have.
using SmallestTeams = std::map<LayerShape, int>;

SmallestTeams smallest_teams(const Plan& plan, const BlockLayout& ranks, std::int64_t memory_per_rank) {
  SmallestTeams teams;
  for (const PlannedLayer& layer : plan.layers) {
    if (teams.contains(layer.shape)) continue;
    teams[layer.shape] = smallest_team(layer.shape, ranks, memory_per_rank).value();
  }
  return teams;
}

/// The smallest team from `smallest` on that computes the shape in time, or the fastest.
int team_in_time(const LayerShape& shape, int smallest, double seconds, const CostModel& cost,
                 const BlockLayout& ranks) {
  const auto takes = [&](int size) { return cost.seconds(shape, size).leader; };
  if (takes(smallest) < std::max(seconds, shortest_for_a_team_seconds)) return smallest;
  int fastest = smallest;
  for (const int size : ranks.team_sizes()) {
    if (size <= smallest) continue;
    if (takes(size) <= seconds) return size;
    if (takes(size) < takes(fastest)) fastest = size;
  }
  return fastest;
}

/// The plan with the smallest teams that compute each layer in `seconds`.
Plan in_time(Plan plan, double seconds, const SmallestTeams& smallest, const CostModel& cost,
             const BlockLayout& ranks) {
  SmallestTeams teams;
  for (const auto& [shape, least] : smallest) teams[shape] = team_in_time(shape, least, seconds, cost, ranks);
  for (PlannedLayer& layer : plan.layers) layer.team_size = teams.at(layer.shape);
  sort_longest_first(plan, cost);
  return plan;
}

/// Times that layers take on teams of any size, from the longest on: most that a layer may take, worth
/// trying.
std::set<double, std::greater<>> candidate_times(const SmallestTeams& smallest, const CostModel& cost,
                                                 const BlockLayout& ranks) {
  std::set<double, std::greater<>> times;
  for (const auto& [shape, least] : smallest) {
    for (const int size : ranks.team_sizes()) times.insert(cost.seconds(shape, size).leader);
  }
  return times;
}

bool same_teams(const Plan& a, const Plan& b) {
  return std::ranges::equal(a.layers, b.layers, {}, &PlannedLayer::team_size, &PlannedLayer::team_size);
}

/// The plan that ends first, of those that were tried.
class BestPlan {
 public:
  BestPlan(const Plan& plan, const CostModel& cost, const BlockLayout& ranks)
      : cost_(cost), ranks_(ranks), plan_(plan), tried_(plan), end_(predict(plan, cost, ranks)) {}

  const Plan& plan() const { return plan_; }
  /// Of all ranks busy all the time.
  double ideal_seconds() const { return end_.seconds * end_.efficiency; }
  bool good_enough() const { return end_.efficiency > 1 - least_gain || misses_ == most_misses; }

  void try_instead(Plan plan) {
    if (same_teams(plan, tried_)) return;
    tried_ = std::move(plan);
    const Prediction end = predict(tried_, cost_, ranks_);
    ++misses_;
    if (end.seconds >= (1 - least_gain) * end_.seconds) return;
    end_ = end;
    plan_ = tried_;
    misses_ = 0;
  }

 private:
  const CostModel& cost_;
  const BlockLayout& ranks_;
  Plan plan_;
  Plan tried_;
  Prediction end_;
  int misses_ = 0;
};

}  // namespace

Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings, const CostModel& cost,
               const std::function<LayerState(std::int64_t layer)>& state) {
  Plan plan;
  std::int64_t number = 0;
  for (const Layer& layer : catalog.layers) {
    const LayerState of_layer = state(++number);
    if (!layer.unsupported.empty() || of_layer == LayerState::finished) continue;
    plan.layers.push_back({.number = number,
                           .shape = shape_of(layer, settings),
                           .team_size = 1,
                           .alone = of_layer == LayerState::suspect});
  }
  sort_longest_first(plan, cost);
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

Plan with_teams(const Plan& plan, const CostModel& cost, const BlockLayout& ranks,
                std::int64_t memory_per_rank) {
  const SmallestTeams smallest = smallest_teams(plan, ranks, memory_per_rank);
  const Plan first = in_time(plan, std::numeric_limits<double>::infinity(), smallest, cost, ranks);
  BestPlan best(first, cost, ranks);
  const double shortest = shortest_part * best.ideal_seconds();
  for (const double longest : candidate_times(smallest, cost, ranks)) {
    if (best.good_enough() || longest < shortest) break;
    best.try_instead(in_time(plan, longest, smallest, cost, ranks));
  }
  return best.plan();
}

}  // namespace alphahill
