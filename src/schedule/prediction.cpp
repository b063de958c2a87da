#include "alphahill/schedule/prediction.hpp"

#include <queue>

#include "alphahill/schedule/schedule.hpp"

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

void let_pass(const Handout& handout, double now, const CostModel& cost, double speed, Future& future) {
  Done leader{now, handout.ranks.first, {}};
  for (const PlannedLayer& layer : handout.layers) {
    const double seconds = cost.seconds(layer.shape, handout.ranks.size).leader / speed;
    leader.layers.push_back({layer.number, seconds});
    leader.at += seconds;
  }
  const PlannedLayer& layer = handout.layers.front();
  const double member_seconds = cost.seconds(layer.shape, handout.ranks.size).member / speed;
  for (int rank = handout.ranks.first + 1; rank < handout.ranks.end(); ++rank) {
    future.push({now + member_seconds, rank, {{layer.number, 0}}});
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
  const auto hand_out = [&](double now) {
    for (const Handout& handout : schedule.hand_out(now)) {
      for (const PlannedLayer& layer : handout.layers)
        prediction.team_sizes[layer.number] = handout.ranks.size;
      let_pass(handout, now, cost, speed_of(handout.ranks, plan.speeds), future);
    }
  };
  hand_out(0);
  while (!future.empty()) {
    const double now = future.top().at;
    for (; !future.empty() && future.top().at == now; future.pop()) {
      const Done& done = future.top();
      prediction.critical_layer = done.layers.back().number;
      schedule.finish(done.rank, done.layers, now);
    }
    prediction.seconds = now;
    hand_out(now);
  }
  if (prediction.seconds > 0) {
    prediction.efficiency = seconds_on_one_rank(plan, cost) / (prediction.seconds * schedule.speed());
  }
  return prediction;
}

}  // namespace alphahill
