/// A run on simulated time: the schedule that the coordinator uses, ranks of different speed, messages that
/// take time, and a coordinator that does one thing after another.
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "alphahill/schedule/plan.hpp"

namespace alphahill {

struct Conditions {
  double speed_spread = 0.2;  ///< a node's speed is 1 - spread to 1 + spread, evenly, of the usual one
  double usual_speed = 1;     ///< against what the plan counts on
  int ranks_a_node = 32;
  double latency_seconds = 10e-6;  ///< of a message
  double message_seconds = 20e-6;  ///< of the coordinator, to take or send one
  double sync_seconds = 5e-3;      ///< to put what a turn wrote on disk; a parallel file system's
  double ends_at = std::numeric_limits<double>::infinity();  ///< when a lost rank ends the run
  std::uint64_t seed = 1;
};

struct SimulatedRun {
  double seconds = 0;
  double speed = 0;  ///< of all ranks together
  std::set<std::int64_t> finished;
  std::set<std::int64_t> running;  ///< when it was ended
  double messages = 0;             ///< of the coordinator, both ways
  double most_messages_a_second = 0;
  double most_journal_bytes_a_second = 0;
  double coordinator_seconds = 0;  ///< spent on messages and on waiting for the disk
};

/// Against the cost model's.
std::vector<double> speeds_of(int ranks, const Conditions& conditions);

SimulatedRun simulate(const Plan& plan, const CostModel& cost, const BlockLayout& ranks,
                      const Conditions& conditions);

}  // namespace alphahill
