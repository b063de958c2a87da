/// Which ranks get which layers next, and until when they may take: no MPI, and no clock of its own.
///
/// Layers are dispatched longest first, each to as few ranks as end it before the run is to end; of several
/// free blocks of so many ranks, to the slowest that can. Short layers go to a rank several at a time, about
/// a second of work, less towards the end. Where no free block ends the longest layer in time, the block with
/// which it ends earliest is held for it. src/schedule/README.md says what each of these rules buys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "alphahill/schedule/waiting_layers.hpp"

namespace alphahill {

/// All times are in seconds since the run began.
struct ScheduleLimits {
  std::optional<double>
      layer_timeout;  ///< that a layer may take; nothing: a generous multiple of what is expected
  std::optional<double> end_of_job;  ///< when the job ends; nothing: never
};

/// Layers for one rank, one after another, or one layer for a team of ranks, the first of which leads.
struct Dispatch {
  RankBlock ranks;
  std::vector<PlannedLayer> layers;
};

/// A dispatch that is not yet finished.
struct RunningTask {
  Dispatch dispatch;   ///< without the layers that are done
  std::set<int> busy;  ///< ranks that have not done their part
  double begun;        ///< when it was dispatched, or some of its layers last were done
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
  std::vector<Dispatch> dispatch(double now);
  /// @return the work that was planned for what is done, in seconds of a rank
  double finish(int rank, std::span<const LayerDone> done, double now);
  /// The rank computes no more of what it takes part in; no other takes its place.
  void mark_lost(int rank);
  /// What a busy rank takes part in.
  const RunningTask& task_of(int rank) const { return running_.at(task_of_rank_.at(rank)); }

  /// By first rank.
  const std::map<int, RunningTask>& running() const { return running_; }
  /// Layers that have not been dispatched.
  std::int64_t waiting() const { return waiting_.count(); }
  /// Seconds of ranks that all layers were planned with.
  double planned_work() const { return planned_work_; }
  /// Of all ranks together, against what the cost model says.
  double speed() const { return ranks_.speed(); }
  /// Seconds until the last layer is done, about.
  double seconds_left(double now) const;

 private:
  /// A block that is held for the next layer of a kind.
  struct Reservation {
    LayerKind kind;
    RankBlock ranks;
    double free_at;
    double done_at;
  };

  /// Of a team of ranks of usual speed.
  double leader_seconds(const LayerShape& shape, int team_size) const;
  double seconds(const Dispatch& dispatch) const;
  /// Seconds of all ranks that what is waiting takes.
  double share_waiting() const;
  std::optional<Dispatch> next(double now);
  /// The smallest and slowest free block that ends such a layer in time.
  std::optional<RankBlock> block_in_time(const LayerKind& kind, const LayersOfKind& waiting,
                                         double now) const;
  /// The block with which such a layer ends earliest, or a smaller one that ends it in time.
  std::optional<Reservation> best_block(const LayerKind& kind, const LayersOfKind& waiting, double now) const;
  /// Finds the best block where none ends such a layer in time.
  /// @return the block where it is free; else it is held, if none is yet
  std::optional<RankBlock> reserve(const LayerKind& kind, const LayersOfKind& waiting, double now);
  /// A block is held for the only layer that waits.
  bool last_is_reserved(const LayerKind& kind, const LayersOfKind& waiting) const;
  void reconsider_reservation(double now);
  Dispatch take_reserved();
  Dispatch dispatch_of(const LayerKind& kind, RankBlock ranks, double most_seconds);
  double seconds_to_the_end(double now) const;
  double seconds_for_a_layer(double now) const;
  double free_at(RankBlock ranks, double now) const;
  void begin(const Dispatch& dispatch, double now);
  double deadline(const Dispatch& dispatch, double now) const;

  CostModel cost_;
  CostModel planned_cost_;  ///< before anything was measured
  ScheduleLimits limits_;
  double planned_end_;
  double end_ = 0;  ///< when the run is to end, as of the last dispatch
  RankPool ranks_;
  WaitingLayers waiting_;
  double planned_work_;
  std::map<int, RunningTask> running_;
  std::map<int, int> task_of_rank_;  ///< first rank of what a busy rank takes part in
  std::vector<double> free_at_;      ///< when each busy rank is expected to be free
  std::optional<Reservation> reservation_;
};

}  // namespace alphahill
