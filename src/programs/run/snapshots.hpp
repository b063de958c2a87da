/// Copies of the results while a run is in progress, for those who do not want to wait for its end.
#pragma once

#include <chrono>
#include <functional>

namespace alphahill {

/// Writes one now and then, and seldom enough to cost a hundredth of the time at most. Where that fails, the
/// first failure is a warning and the run goes on: the journal holds everything, and there may be space when
/// the run is over.
class Snapshots {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param interval  between two of them at least
  Snapshots(std::function<void()> write, Clock::duration interval);

  void write_if_due();

 private:
  std::function<void()> write_;
  Clock::duration interval_;
  Clock::time_point due_;
  bool warned_ = false;
};

}  // namespace alphahill
