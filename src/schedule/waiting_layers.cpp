#include "alphahill/schedule/waiting_layers.hpp"

#include <algorithm>
#include <iterator>

namespace alphahill {

namespace {

/// A layer that takes less is not worth a team's coming together.
constexpr double shortest_for_a_team_seconds = 5;
/// A team of twice as many ranks is worth while where it takes less than this part of the time.
constexpr double least_gain = 0.9;

std::vector<int> worthwhile_teams(const LayerKind& kind, const CostModel& cost, const BlockLayout& ranks) {
  if (kind.seconds < shortest_for_a_team_seconds) return {kind.least_team};
  std::vector<int> sizes = ranks.sizes_from(kind.least_team);
  const auto seconds = [&](int size) { return cost.seconds(kind.shape, size).leader; };
  const auto last = std::ranges::adjacent_find(
      sizes, [&](int size, int larger) { return seconds(larger) > least_gain * seconds(size); });
  if (last != sizes.end()) sizes.erase(std::next(last), sizes.end());
  return sizes;
}

}  // namespace

WaitingLayers::WaitingLayers(const Plan& plan, const CostModel& cost, const BlockLayout& ranks) {
  for (const PlannedLayer& layer : plan.layers) {
    const double seconds = cost.seconds(layer.shape, layer.least_team).leader;
    kinds_[{seconds, layer.shape, layer.least_team}].layers.push_back(layer);
  }
  for (auto& [kind, waiting] : kinds_) waiting.team_sizes = worthwhile_teams(kind, cost, ranks);
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
