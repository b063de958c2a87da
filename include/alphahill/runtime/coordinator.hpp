/// The coordinator of a run, on rank 0: dispatches layers longest first as workers become free, and keeps
/// their records.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/progress.hpp"
#include "alphahill/results/journal.hpp"
#include "alphahill/runtime/worker_pool.hpp"
#include "alphahill/schedule/schedule.hpp"

namespace alphahill {

/// Where the coordinator enters what happens, on its own thread; an Error from them fails the run.
struct RunCallbacks {
  /// Writes what survives the end of the process: records, and layers that are about to be dispatched.
  std::function<void(std::span<const LayerRecord> records, std::span<const std::int64_t> begun)> write;
  std::function<void()> sync;            ///< puts what was written on disk
  std::function<bool()> stop_requested;  ///< asked often
};

/// How a run ended.
struct RunEnd {
  std::optional<Error> failure;  ///< the first, if there was one
  bool ranks_compute = false;    ///< layers are still running; their ranks can only be ended
  std::vector<Attempt>
      interrupted;  ///< layers that were begun and have no record, unless it is unclear which
                    ///< of them ended the run
};

class Coordinator {
 public:
  /// @param schedule  whose ranks are the workers of the pool
  /// @param grace_seconds  for the running layers, once a stop is requested
  /// @param before  layers that earlier runs have done, which progress is told with
  Coordinator(const Catalog& catalog, Schedule schedule, WorkerPool& workers, RunCallbacks callbacks,
              double grace_seconds, const DoneBefore& before = {});

  /// Runs until every layer that can be is done and kept, a stop is requested, or something fails. In the
  /// latter cases no more layers are dispatched and the running ones are finished, as far as grace and
  /// deadlines permit.
  RunEnd run();

 private:
  /// What a turn of the coordinator's is about.
  struct Turn {
    std::vector<LayerRecord> records;
    double work = 0;  ///< of these, as planned
  };
  double now() const;
  bool stopping() const { return stopping_since_.has_value(); }
  void stop();
  /// One write for what has arrived and what is begun, then the ranks go on, then one sync.
  void take_turn(std::vector<Arrival> arrivals);
  void accept(Arrival arrival, Turn& turn);
  void mark_lost(int rank, const Error& error);
  void withdraw(const std::vector<Dispatch>& dispatches);
  void send(const std::vector<Dispatch>& dispatches);
  /// @return false when the callback threw: the run has failed then
  bool call(const std::function<void()>& callback);
  void fail(const Error& error);
  void watch_deadlines();
  std::string late_text(const RunningTask& task) const;
  bool grace_expired() const;
  void stop_workers();
  RunEnd end() const;

  const Catalog& catalog_;
  Schedule schedule_;
  WorkerPool& workers_;
  RunCallbacks callbacks_;
  double grace_seconds_;
  Progress progress_;
  std::chrono::steady_clock::time_point start_;
  std::optional<double> stopping_since_;
  std::optional<Error> failure_;
  std::optional<int> overdue_;          ///< first rank of what is past its deadline
  std::set<std::int64_t> lost_layers_;  ///< layers that failed the run
};

}  // namespace alphahill
