/// Plans whose layers take given times.
#pragma once

#include "alphahill/schedule/plan.hpp"

namespace alphahill {

/// One layer of each of these seconds, numbered from 1, longest first, and a cost model that knows them.
struct KnownCosts {
  explicit KnownCosts(const std::vector<double>& seconds) {
    for (const double each : seconds) add(each, 1);
  }

  void add(double seconds, int least_team) {
    const auto number = static_cast<std::int64_t>(plan.layers.size()) + 1;
    const LayerShape shape{1000 + number, 1000, 2000 * (1000 + number), 1};
    cost.learn(shape, least_team, seconds);
    plan.layers.push_back({.number = number, .shape = shape, .least_team = least_team, .alone = false});
  }

  Plan plan{.layers = {}, .speeds = {}, .end_seconds = 1e6};
  CostModel cost{usual_rates()};
};

inline BlockLayout single_ranks(int ranks) {
  return {.ranks = ranks, .first = 0, .largest_size = 1};
}

}  // namespace alphahill
