#include "alphahill/schedule/plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/schedule/prediction.hpp"
#include "alphahill/schedule/waiting_layers.hpp"

namespace alphahill {

namespace {

/// Of the time of ranks that are busy all the time: the end of a run that is planned well enough.
constexpr double good_enough = 1.02;
/// From one end that is tried to the next: at first, and then about the best of those.
constexpr double much_later = 1.05;
constexpr double later = 1.01;
/// What rounding may make of layers that fill a run exactly.
constexpr double slack = 1.002;

/// Of the layer that takes longest on the team that ends it first, were its ranks the fastest.
double least_seconds(const WaitingLayers& layers, const CostModel& cost, const BlockLayout& ranks,
                     const std::vector<double>& speeds) {
  double longest = 0;
  for (const auto& [kind, of_kind] : layers.kinds()) {
    double least = kind.seconds;
    for (const int size : ranks.sizes_from(kind.least_team)) {
      least = std::min(least, cost.seconds(kind.shape, size).leader);
    }
    longest = std::max(longest, least);
  }
  return speeds.empty() ? longest : longest / std::ranges::max(speeds);
}

/// Looks for the end with which all is done first: ends that are too early make teams too large.
class EndSearch {
 public:
  EndSearch(Plan plan, const CostModel& cost, const BlockLayout& ranks)
      : plan_(std::move(plan)), cost_(cost), ranks_(ranks) {
    const WaitingLayers layers(plan_, cost, ranks);
    ideal_ = layers.work(cost) / total_speed(ranks, plan_.speeds);
    first_ = std::max(slack * ideal_, least_seconds(layers, cost, ranks, plan_.speeds));
  }

  double best_end() {
    try_ends(first_, much_later);
    try_ends(std::max(first_, best_end_ / much_later) * later, later);
    return best_end_;
  }

 private:
  /// One after the other, until one is kept to.
  void try_ends(double first, double factor) {
    for (double end = first; end < earliest_ && earliest_ > good_enough * ideal_; end *= factor) {
      plan_.end_seconds = end;
      const double seconds = predict(plan_, cost_, ranks_).seconds;
      if (seconds < earliest_) best_end_ = end;
      earliest_ = std::min(earliest_, seconds);
    }
  }

  Plan plan_;
  const CostModel& cost_;
  const BlockLayout& ranks_;
  double ideal_;  ///< of ranks that are busy all the time, none in a larger team than it must
  double first_;  ///< no end is earlier
  double best_end_ = 0;
  double earliest_ = std::numeric_limits<double>::infinity();
};

}  // namespace

Plan with_end(Plan plan, const CostModel& cost, const BlockLayout& ranks) {
  best_effort([&] { plan.end_seconds = EndSearch(plan, cost, ranks).best_end(); },
              "the end of the run is not predicted: it is assumed to be as soon as all ranks together can");
  return plan;
}

}  // namespace alphahill
