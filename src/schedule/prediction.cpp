#include "alphahill/schedule/prediction.hpp"

#include <queue>

#include "alphahill/schedule/schedule.hpp"

namespace alphahill {

namespace {

/// A rank has done what was dispatched to it.
struct Done {
  double at;
  int rank;
  std::vector<LayerDone> layers;

  bool operator>(const Done& other) const { return std::pair(at, rank) > std::pair(other.at, other.rank); }
};

using Future = std::priority_queue<Done, std::vector<Done>, std::greater<>>;

void simulate(const Dispatch& dispatch, double now, const CostModel& cost, double speed, Future& future) {
  Done leader{now, dispatch.ranks.first, {}};
  for (const PlannedLayer& layer : dispatch.layers) {
    const double seconds = cost.seconds(layer.shape, dispatch.ranks.size).leader / speed;
    leader.layers.push_back({layer.number, seconds});
    leader.at += seconds;
  }
  const PlannedLayer& layer = dispatch.layers.front();
  const double member_seconds = cost.seconds(layer.shape, dispatch.ranks.size).member / speed;
  for (int rank = dispatch.ranks.first + 1; rank < dispatch.ranks.end(); ++rank) {
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
  const auto dispatch_all = [&](double now) {
    for (const Dispatch& dispatch : schedule.dispatch(now)) {
      for (const PlannedLayer& layer : dispatch.layers)
        prediction.team_sizes[layer.number] = dispatch.ranks.size;
      simulate(dispatch, now, cost, speed_of(dispatch.ranks, plan.speeds), future);
    }
  };
  dispatch_all(0);
  while (!future.empty()) {
    const double now = future.top().at;
    for (; !future.empty() && future.top().at == now; future.pop()) {
      const Done& done = future.top();
      prediction.critical_layer = done.layers.back().number;
      schedule.finish(done.rank, done.layers, now);
    }
    prediction.seconds = now;
    dispatch_all(now);
  }
  if (prediction.seconds > 0) {
    prediction.efficiency = seconds_on_one_rank(plan, cost) / (prediction.seconds * schedule.speed());
  }
  return prediction;
}

}  // namespace alphahill
