#include "alphahill/schedule/plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/schedule/prediction.hpp"
#include "alphahill/schedule/waiting_layers.hpp"

namespace alphahill {

namespace {

/// Of the time of ranks that never wait: the end of a run that is planned well enough.
constexpr double good_enough = 1.02;
/// From one end that is tried to the next.
constexpr double later = 1.02;
/// What rounding may make of layers that fill a run exactly.
constexpr double slack = 1.002;

/// The end with which all is done first: ends that are too early make teams too large. They are tried one after
/// the other, until one is kept to.
double best_end(Plan plan, const CostModel& cost, const BlockLayout& ranks) {
  const WaitingLayers layers(plan, cost, ranks);
  const double ideal = layers.work(cost) / total_speed(ranks, plan.speeds);
  double best = 0;
  double earliest = std::numeric_limits<double>::infinity();
  const double fastest = plan.speeds.empty() ? 1 : std::ranges::max(plan.speeds);
  plan.end_seconds = std::max(slack * ideal, layers.longest(cost) / fastest);
  for (; plan.end_seconds < earliest && earliest > good_enough * ideal; plan.end_seconds *= later) {
    const double seconds = predict(plan, cost, ranks).seconds;
    if (seconds < earliest) best = plan.end_seconds;
    earliest = std::min(earliest, seconds);
  }
  return best;
}

}  // namespace

Plan with_end(Plan plan, const CostModel& cost, const BlockLayout& ranks) {
  best_effort([&] { plan.end_seconds = best_end(plan, cost, ranks); },
              "the end of the run is not predicted: it is assumed to be as soon as all ranks together can");
  return plan;
}

}  // namespace alphahill
