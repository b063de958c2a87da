/// Whether a run goes on: by its lock, by what Slurm says of its jobs, and by the age of its last record.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "alphahill/results/journal.hpp"
#include "alphahill/results/run_lock.hpp"
#include "programs/report/slurm_jobs.hpp"

namespace alphahill {

/// What is known of a run besides its records.
struct RunSigns {
  std::optional<FoundLock> lock;
  SlurmJobs jobs = {};
  double seconds_since_record = 0;
  std::filesystem::path results_file = {};  ///< where it is to be
};

/// What its records say.
struct RunRecords {
  double longest_layer;      ///< seconds that a layer may take
  bool all_done = false;     ///< of the layers that are asked for
  bool has_results = false;  ///< the results file has them all
};

struct RunState {
  bool running = false;
  bool complete = false;
  std::string text =
      {};  ///< "complete", "running: pid 4711 on node17, ...", "stopped (75)", "failed: ...", "lost: ..."
};

/// A run that leaves no record for much longer than a layer takes, and of which neither this machine nor Slurm knows,
/// counts as lost.
RunState run_state(const RunSigns& signs, const std::optional<Ending>& ending, const RunRecords& records);

/// Signs of the run whose journal this is. To be seen before the journal is read: a run that ends in between has no
/// records that are missed.
RunSigns signs_beside(const std::filesystem::path& journal, const SlurmJobs& jobs);

}  // namespace alphahill
