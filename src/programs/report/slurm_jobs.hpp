/// What Slurm says of the jobs of runs, as jobs/status asks it and passes it on.
#pragma once

#include <string>
#include <vector>

namespace alphahill {

struct SlurmJob {
  enum class State {
    unknown,  ///< nobody asked, or Slurm does not answer
    running,
    suspended,
    pending,
    gone,  ///< Slurm knows no such job, or one that has ended
  };
  State state = State::unknown;
  std::string id = {};  ///< of one that is in the queue
};

/// The jobs of one output folder.
struct SlurmJobs {
  SlurmJob own = {};  ///< of the run that has the folder's lock; without a lock the first in the queue
  std::vector<SlurmJob> others = {};  ///< in the queue too
};

bool is_in_queue(SlurmJob::State state);

/// "running".
const char* name_of(SlurmJob::State state);

/// @param list  of as many runs, separated by commas: "unknown", "gone" or, of a job in the queue, "STATE:JOB"; behind
/// it "+STATE:JOB" for each further job
/// @throws Error(usage) for anything else
std::vector<SlurmJobs> parse_slurm_jobs(const std::string& list, std::size_t runs);

}  // namespace alphahill
