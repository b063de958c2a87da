/// The coordinator of a run, on rank 0: hands out layers longest first as workers become free, and keeps
/// their records.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/progress.hpp"
#include "alphahill/cluster/crew.hpp"
#include "alphahill/cluster/schedule.hpp"

namespace alphahill {

/// Where the coordinator enters what happens, on its own thread; an Error from them fails the run.
struct RunBooks {
  std::function<void(std::int64_t layer)> begun;               ///< before a layer is handed out
  std::function<void(std::span<const LayerRecord>)> finished;  ///< puts records on disk
  std::function<bool()> stop_requested;                        ///< asked often
};

/// How a run ended.
struct RunEnd {
  std::optional<Error> failure;         ///< the first, if there was one
  std::vector<std::int64_t> abandoned;  ///< layers that ranks still compute; those ranks can only be ended
  std::optional<std::int64_t> overdue;  ///< the one among them whose deadline is over
};

class Coordinator {
 public:
  /// @param grace_seconds  for the layers under way, once a stop is requested
  Coordinator(const Catalog& catalog, Schedule schedule, double work, Crew& crew, RunBooks books,
              double grace_seconds);

  /// Runs until every layer that can be is done and kept, a stop is requested, or something fails. In the
  /// latter cases no more layers are handed out and those under way are finished, as far as grace and
  /// deadlines permit.
  RunEnd run();

 private:
  double now() const;
  bool stopping() const { return stopping_since_.has_value(); }
  void stop();
  void hand_out(int rank);
  void take_in(std::vector<Arrival> arrivals);
  /// @return false when the books threw: the run has failed then
  bool enter(const std::function<void()>& into_books);
  void fail(const Error& error);
  void watch_deadlines();
  bool patience_is_over() const;
  RunEnd end() const;

  const Catalog& catalog_;
  Schedule schedule_;
  Crew& crew_;
  RunBooks books_;
  double grace_seconds_;
  Progress progress_;
  std::chrono::steady_clock::time_point start_;
  std::optional<double> stopping_since_;
  std::optional<Error> failure_;
  std::optional<std::int64_t> overdue_;
};

}  // namespace alphahill
