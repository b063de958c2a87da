#include "alphahill/runtime/rank_speeds.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/checked.hpp"

namespace alphahill {

std::vector<double> relative_speeds(std::span<const double> seconds) {
  constexpr double equal = 0.05;
  std::vector<double> speeds;
  for (const double each : seconds) {
    const double speed = seconds.front() / each;
    const bool differs = is_positive(each) && is_positive(speed) && std::abs(speed - 1) > equal;
    speeds.push_back(differs ? speed : 1);
  }
  return speeds;
}

std::vector<double> measured_speeds(MpiSession& mpi, const std::function<double()>& probe) {
  double seconds = std::numeric_limits<double>::quiet_NaN();
  const auto failure = failure_of([&] { seconds = require_positive(probe(), "seconds of the speed probe"); });
  mpi.warn_once(failure ? fmt::format("the speed of rank {} is not measured ({}); ranks of unknown speed are "
                                      "taken to be as fast as rank 0",
                                      mpi.rank(), *failure)
                        : "");
  return relative_speeds(mpi.gather(seconds));
}

}  // namespace alphahill
