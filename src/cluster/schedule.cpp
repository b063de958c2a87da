#include "alphahill/cluster/schedule.hpp"

#include <algorithm>
#include <limits>

namespace alphahill {

namespace {

/// A layer that needs an SVD takes ten times as long as expected, a rank that shares its core several times
/// more.
constexpr double patience = 50;
constexpr double shortest_timeout_seconds = 600;
/// A layer is begun when this multiple of its expected time is left.
constexpr double spare_time = 1.5;
/// Seconds of finished layers that tell the speed better than the measurement at the start.
constexpr double telling_seconds = 10;

}  // namespace

Schedule::Schedule(const Plan& plan, double flops_per_second, ScheduleLimits limits)
    : waiting_(plan.layers.begin(), plan.layers.end()),
      limits_(limits),
      flops_per_second_(flops_per_second) {}

double Schedule::deadline(double flops, double now) const {
  return now + limits_.layer_timeout.value_or(
                   std::max(shortest_timeout_seconds, patience * expected_seconds(flops)));
}

std::optional<std::int64_t> Schedule::assign(int rank, double now) {
  const double left = limits_.end_of_job.value_or(std::numeric_limits<double>::infinity()) - now;
  const auto fits = [&](const PlannedLayer& layer) {
    return spare_time * expected_seconds(layer.flops) <= left;
  };
  const auto longest =
      std::ranges::partition_point(waiting_, [&](const PlannedLayer& l) { return !fits(l); });
  if (longest == waiting_.end()) return std::nullopt;
  under_way_.emplace(rank, LayerUnderWay{*longest, now, deadline(longest->flops, now)});
  const std::int64_t number = longest->number;
  waiting_.erase(longest);
  return number;
}

PlannedLayer Schedule::finish(int rank, double now) {
  const LayerUnderWay done = under_way_.at(rank);
  under_way_.erase(rank);
  flops_done_ += done.layer.flops;
  seconds_spent_ += now - done.begun;
  if (seconds_spent_ >= telling_seconds) flops_per_second_ = flops_done_ / seconds_spent_;
  return done.layer;
}

}  // namespace alphahill
