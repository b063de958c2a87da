#include "alphahill/schedule/waiting_layers.hpp"

#include <algorithm>
#include <iterator>

namespace alphahill {

namespace {

/// A layer that takes less is not worth a team's coming together: the cost model knows no latency of messages,
/// and ranks reduce small layers in another way than teams.
constexpr double shortest_for_a_team_seconds = 1;

std::vector<int> team_sizes(const LayerKind& kind, const BlockLayout& ranks) {
  if (kind.seconds < shortest_for_a_team_seconds) return {kind.least_team};
  return ranks.sizes_from(kind.least_team);
}

}  // namespace

WaitingLayers::WaitingLayers(const Plan& plan, const CostModel& cost, const BlockLayout& ranks) {
  for (const PlannedLayer& layer : plan.layers) {
    const double seconds = cost.seconds(layer.shape, layer.least_team).leader;
    kinds_[{seconds, layer.shape, layer.least_team}].layers.push_back(layer);
  }
  for (auto& [kind, waiting] : kinds_) waiting.team_sizes = team_sizes(kind, ranks);
}

std::int64_t WaitingLayers::count() const {
  std::int64_t sum = 0;
  for (const auto& [kind, waiting] : kinds_) sum += std::ssize(waiting.layers);
  return sum;
}

double WaitingLayers::work(const CostModel& cost) const {
  double sum = 0;
  for (const auto& [kind, waiting] : kinds_) {
    sum += static_cast<double>(waiting.layers.size()) * cost.work(kind.shape, kind.least_team);
  }
  return sum;
}

double WaitingLayers::longest(const CostModel& cost) const {
  double longest = 0;
  for (const auto& [kind, waiting] : kinds_) {
    double shortest = cost.seconds(kind.shape, kind.least_team).leader;
    for (const int size : waiting.team_sizes)
      shortest = std::min(shortest, cost.seconds(kind.shape, size).leader);
    longest = std::max(longest, shortest);
  }
  return longest;
}

PlannedLayer WaitingLayers::take(const LayerKind& kind) {
  return take(kinds_.find(kind));
}

PlannedLayer WaitingLayers::take(Kinds::iterator kind) {
  auto& layers = kind->second.layers;
  const PlannedLayer taken = layers.front();
  layers.pop_front();
  if (layers.empty()) kinds_.erase(kind);
  return taken;
}

std::vector<PlannedLayer> WaitingLayers::take_batch(const LayerKind& first, double seconds,
                                                    const CostModel& cost) {
  std::vector<PlannedLayer> batch;
  auto kind = kinds_.find(first);
  do {
    seconds -= cost.seconds(kind->first.shape, 1).leader;
    const auto next = kind->second.layers.size() == 1 ? std::next(kind) : kind;
    batch.push_back(take(kind));
    kind = next;
  } while (!batch.back().alone && kind != kinds_.end() && kind->first.least_team == 1 &&
           !kind->second.layers.front().alone && cost.seconds(kind->first.shape, 1).leader <= seconds);
  return batch;
}

}  // namespace alphahill
