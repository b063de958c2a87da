/// Which ranks get which layers next, and until when they may take: no MPI, and no clock of its own.
///
/// Layers are handed out longest first. Short ones go to a rank several at a time, about a second of work,
/// less towards the end. Where the longest layer needs a team and no block of ranks is free, the block that
/// is free first is kept for it; until then its ranks get layers that end before.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "alphahill/cluster/plan.hpp"

namespace alphahill {

/// All times are in seconds since the run began.
struct ScheduleLimits {
  std::optional<double>
      layer_timeout;  ///< that a layer may take; nothing: a generous multiple of what is expected
  std::optional<double> end_of_job;  ///< when the job ends; nothing: never
};

/// Layers for one rank, one after another, or one layer for a team of ranks, the first of which leads.
struct Handout {
  RankBlock ranks;
  std::vector<PlannedLayer> layers;
};

/// A handout on its way.
struct UnderWay {
  Handout handout;     ///< without the layers that are done
  std::set<int> busy;  ///< ranks that have not done their part
  double begun;        ///< when it was handed out, or some of its layers last were done
  double deadline;
};

/// A layer, or a member's part in it, that a rank has done.
struct LayerDone {
  std::int64_t number;
  double seconds;  ///< that it took; of a team its leader's count
};

class Schedule {
 public:
  Schedule(const Plan& plan, CostModel cost, const BlockLayout& ranks, ScheduleLimits limits);

  /// Gives layers that can still end before the job does to ranks that have none.
  std::vector<Handout> hand_out(double now);
  /// @return the work that was planned for what is done, in seconds of a rank
  double finish(int rank, std::span<const LayerDone> done, double now);
  /// The rank computes no more of what it takes part in; nobody takes its place.
  void give_up(int rank);
  /// What a busy rank takes part in.
  const UnderWay& task_of(int rank) const { return under_way_.at(task_of_rank_.at(rank)); }

  /// By first rank.
  const std::map<int, UnderWay>& under_way() const { return under_way_; }
  /// Layers that have not been handed out.
  std::int64_t waiting() const;
  /// Seconds of ranks that all layers were planned with.
  double planned_work() const { return planned_work_; }
  /// Seconds until the last layer is done, about.
  double seconds_left(double now) const;

 private:
  using Layers = std::deque<PlannedLayer>;
  /// A block that is kept for the first waiting layer of its size.
  struct Reservation {
    RankBlock ranks;
    double free_at;
  };

  double leader_seconds(const PlannedLayer& layer) const;
  double seconds(const std::vector<PlannedLayer>& layers) const;
  double work_waiting() const;
  std::vector<int> sizes_longest_first() const;
  std::optional<Handout> next(double now);
  std::optional<Handout> next_for_a_team(int size, double now);
  std::optional<Handout> next_for_a_rank(double now);
  std::optional<Handout> batch_for(int rank, double most_seconds);
  std::vector<PlannedLayer> take_batch(Layers::iterator first, double most_seconds);
  PlannedLayer take(Layers::iterator layer);
  Layers::iterator longest_within(Layers& layers, double seconds) const;
  double seconds_for_a_layer(double now) const;
  void reserve(int size, double now);
  double free_at(RankBlock ranks, double now) const;
  void begin(const Handout& handout, double now);
  double deadline(const std::vector<PlannedLayer>& layers, double now) const;
  void drop_useless_reservation(double now);

  CostModel cost_;
  CostModel planned_cost_;  ///< before anything was measured
  double planned_work_ = 0;
  ScheduleLimits limits_;
  RankPool ranks_;
  std::map<int, Layers> waiting_;  ///< by team size, longest first
  std::map<std::pair<LayerShape, int>, std::int64_t> waiting_kinds_;
  std::map<int, UnderWay> under_way_;
  std::map<int, int> task_of_rank_;  ///< first rank of what a busy rank takes part in
  std::optional<Reservation> reservation_;
};

}  // namespace alphahill
