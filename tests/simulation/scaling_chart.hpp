/// Efficiency over the number of ranks, as a picture.
#pragma once

#include <string>
#include <vector>

#include "alphahill/report/picture.hpp"

namespace alphahill {

struct ScalingPoint {
  int ranks;
  double seconds;
  double efficiency;           ///< of equal ranks
  double of_different_speeds;  ///< of nodes of different speeds
};

struct ScalingCurve {
  std::string name;
  std::vector<ScalingPoint> points;  ///< one a power of two, from one rank on
};

Picture scaling_chart(const std::vector<ScalingCurve>& curves);

}  // namespace alphahill
