/// How a planned run would go on ranks that are exactly as fast as the plan says: the schedule itself, on
/// simulated time.
#pragma once

#include <cstdint>
#include <map>

#include "alphahill/schedule/plan.hpp"

namespace alphahill {

struct Prediction {
  double seconds = 0;                      ///< until the last rank is done
  double efficiency = 1;                   ///< seconds of all layers on one rank each, of those of all ranks
  std::int64_t critical_layer = 0;         ///< the one that is done last; 0 where there is none
  std::map<std::int64_t, int> team_sizes;  ///< by layer
};

Prediction predict(const Plan& plan, const CostModel& cost, const BlockLayout& ranks);

}  // namespace alphahill
