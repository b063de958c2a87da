/// What a run has to do: its layers, and when they are to be done.
#pragma once

#include <cstdint>
#include <vector>

#include "alphahill/schedule/cost_model.hpp"
#include "alphahill/schedule/rank_pool.hpp"

namespace alphahill {

struct PlannedLayer {
  std::int64_t number;  ///< from 1
  LayerShape shape;
  int least_team = 1;  ///< ranks that have the memory for it
  bool alone = false;  ///< never one of several that a rank gets at once
};

struct Plan {
  std::vector<PlannedLayer> layers;  ///< what remains to be computed, in layer order
  std::vector<double> speeds;        ///< of the ranks, against what the cost model says; empty: all are 1
  double end_seconds = 0;            ///< when all is to be done; layers get teams where that takes them
};

/// The plan with the earliest end that the schedule can keep to. Where that search fails, the end stays as it
/// is, and a warning says so.
Plan with_end(Plan plan, const CostModel& cost, const BlockLayout& ranks);

}  // namespace alphahill
