#include "alphahill/cluster/prediction.hpp"

#include <queue>

#include "alphahill/cluster/schedule.hpp"

namespace alphahill {

namespace {

/// A rank has done what was handed out to it.
struct Done {
  double at;
  int rank;
  std::vector<LayerDone> layers;

  bool operator>(const Done& other) const { return std::pair(at, rank) > std::pair(other.at, other.rank); }
};

using Future = std::priority_queue<Done, std::vector<Done>, std::greater<>>;

void let_pass(const Handout& handout, double now, const CostModel& cost, Future& future) {
  Done leader{now, handout.ranks.first, {}};
  for (const PlannedLayer& layer : handout.layers) {
    const double seconds = cost.seconds(layer.shape, layer.team_size).leader;
    leader.layers.push_back({layer.number, seconds});
    leader.at += seconds;
  }
  for (int rank = handout.ranks.first + 1; rank < handout.ranks.end(); ++rank) {
    const PlannedLayer& layer = handout.layers.front();
    future.push({now + cost.seconds(layer.shape, layer.team_size).member, rank, {{layer.number, 0}}});
  }
  future.push(std::move(leader));
}

double seconds_on_one_rank(const Plan& plan, const CostModel& cost) {
  double seconds = 0;
  for (const PlannedLayer& layer : plan.layers) seconds += cost.seconds(layer.shape, 1).leader;
  return seconds;
}

}  // namespace

Prediction predict(const Plan& plan, const CostModel& cost, const BlockLayout& ranks) {
  Schedule schedule(plan, cost, ranks, {});
  Prediction prediction;
  Future future;
  for (const Handout& handout : schedule.hand_out(0)) let_pass(handout, 0, cost, future);
  while (!future.empty()) {
    const double now = future.top().at;
    for (; !future.empty() && future.top().at == now; future.pop()) {
      const Done& done = future.top();
      prediction.critical_layer = done.layers.back().number;
      schedule.finish(done.rank, done.layers, now);
    }
    prediction.seconds = now;
    for (const Handout& handout : schedule.hand_out(now)) let_pass(handout, now, cost, future);
  }
  if (prediction.seconds > 0) {
    prediction.efficiency = seconds_on_one_rank(plan, cost) / (prediction.seconds * ranks.ranks);
  }
  return prediction;
}

}  // namespace alphahill
