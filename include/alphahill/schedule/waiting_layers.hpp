/// The layers of a run that have not been dispatched, by kind, longest first.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include "alphahill/schedule/plan.hpp"

namespace alphahill {

/// Layers that take equally long, and may have the same teams.
struct LayerKind {
  double seconds;  ///< on the smallest team, as planned
  LayerShape shape;
  int least_team;

  bool operator==(const LayerKind&) const = default;
  bool operator<(const LayerKind& other) const {
    return std::tie(other.seconds, shape, least_team) < std::tie(seconds, other.shape, other.least_team);
  }
};

struct LayersOfKind {
  std::deque<PlannedLayer> layers;  ///< one at least
  std::vector<int> team_sizes;      ///< that it may have, ascending
};

class WaitingLayers {
 public:
  using Kinds = std::map<LayerKind, LayersOfKind>;

  WaitingLayers(const Plan& plan, const CostModel& cost, const BlockLayout& ranks);

  const Kinds& kinds() const { return kinds_; }
  bool has(const LayerKind& kind) const { return kinds_.contains(kind); }
  std::int64_t count() const;
  /// Seconds of ranks that they take, on the smallest teams.
  double work(const CostModel& cost) const;
  /// Seconds of the layer that takes longest, on the team that ends it first.
  double longest(const CostModel& cost) const;

  PlannedLayer take(const LayerKind& kind);
  /// A layer, and those after it that one rank does as well within the seconds of all; one that is to be
  /// alone comes alone.
  std::vector<PlannedLayer> take_batch(const LayerKind& kind, double seconds, const CostModel& cost);

 private:
  PlannedLayer take(Kinds::iterator kind);

  Kinds kinds_;
};

}  // namespace alphahill
