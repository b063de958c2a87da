/// Which layer a free rank gets next, and until when it may take: no MPI, and no clock of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "alphahill/cluster/plan.hpp"

namespace alphahill {

/// All times are in seconds since the run began.
struct ScheduleLimits {
  std::optional<double>
      layer_timeout;  ///< that a layer may take; nothing: a generous multiple of what is expected
  std::optional<double> end_of_job;  ///< when the job ends; nothing: never
};

/// A layer on its way through a rank.
struct LayerUnderWay {
  PlannedLayer layer;
  double begun;
  double deadline;
};

class Schedule {
 public:
  /// @param flops_per_second  of a rank, until finished layers tell better
  Schedule(const Plan& plan, double flops_per_second, ScheduleLimits limits);

  /// Gives the longest layer that can still end before the job does to a rank that has none.
  /// @return its number; nothing when none is left that can
  std::optional<std::int64_t> assign(int rank, double now);
  /// The rank has finished its layer. @return the layer
  PlannedLayer finish(int rank, double now);

  /// Layers under way, by rank.
  const std::map<int, LayerUnderWay>& under_way() const { return under_way_; }
  /// Layers that have not been assigned.
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }

 private:
  double expected_seconds(double flops) const { return flops / flops_per_second_; }
  double deadline(double flops, double now) const;

  std::deque<PlannedLayer> waiting_;  ///< longest first
  std::map<int, LayerUnderWay> under_way_;
  ScheduleLimits limits_;
  double flops_per_second_;
  double flops_done_ = 0;
  double seconds_spent_ = 0;
};

}  // namespace alphahill
