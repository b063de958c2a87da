/// Progress of a long job on standard error: a live line on a terminal, else a plain line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace alphahill {

/// What of a job is done before it goes on.
struct DoneBefore {
  std::int64_t items = 0;
  double work = 0;
  std::int64_t left_out = 0;  ///< items that it will not do
};

/// Counts items and, for the time left, work in any unit.
class Progress {
 public:
  /// @param what  the items: "layers"
  /// @param items, work  all of them, with those done before
  Progress(std::string what, std::int64_t items, double work, const DoneBefore& before = {});
  /// Ends the live line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more item is done, or more.
  /// @param latest        the name of the last one
  /// @param seconds_left  by a better estimate than that the work goes on at the rate so far
  void advance(double work, const std::string& latest, std::int64_t items = 1,
               std::optional<double> seconds_left = std::nullopt);

  /// "12/37 layers  34%  1m 20s left  LATEST"
  std::string line(double elapsed_seconds, const std::string& latest,
                   std::optional<double> seconds_left) const;

 private:
  using Clock = std::chrono::steady_clock;
  bool due(Clock::time_point now) const;

  std::string what_;
  std::int64_t items_;
  std::int64_t last_item_;  ///< left-out ones are not counted
  double work_;             ///< of this time alone, as is that done
  double work_before_;
  std::int64_t items_done_;
  double work_done_ = 0;
  bool live_;
  Clock::time_point start_;
  Clock::time_point shown_;
  double shown_part_ = 0;
};

}  // namespace alphahill
