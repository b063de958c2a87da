/// Whether a run goes on: by its lock, by what Slurm says of its job, and by the age of its last record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alphahill/results/journal.hpp"
#include "alphahill/results/run_lock.hpp"

namespace alphahill {

/// What Slurm says of the job of a run.
struct SlurmJob {
  enum class State {
    unknown,  ///< nobody asked, or Slurm does not answer
    running,
    pending,
    gone,  ///< Slurm knows no such job, or one that has ended
  };
  State state = State::unknown;
  std::string id;  ///< of one that is running or pending

  /// "unknown", "gone", "running:100" or "pending:100_2". @throws Error(usage) for anything else
  static SlurmJob parse(const std::string& text);
};

/// What is known of a run besides its records.
struct RunSigns {
  std::optional<FoundLock> lock;
  SlurmJob job;
  double seconds_since_record = 0;
};

struct RunState {
  bool running;
  std::string text;  ///< "running: pid 4711 on node17, ...", "stopped (75)", "failed: ...", "lost: ..."
};

/// @param longest_layer  seconds that a layer may take: a run that leaves no record for much longer, and of
/// which neither this machine nor Slurm knows, counts as lost
RunState run_state(const RunSigns& signs, const std::optional<Ending>& ending, double longest_layer);

/// Signs of the run whose journal this is.
RunSigns signs_beside(const std::filesystem::path& journal, const SlurmJob& job);

}  // namespace alphahill
