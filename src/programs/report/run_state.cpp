#include "programs/report/run_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <vector>

#include "alphahill/base/text.hpp"
#include "alphahill/results/results_file.hpp"
#include "programs/command_line/exit_codes.hpp"

namespace alphahill {

namespace {

using State = SlurmJob::State;

std::string age_text(const RunSigns& signs) {
  return fmt::format("last record {} ago", human_seconds(signs.seconds_since_record));
}

std::vector<SlurmJob> all_of(const SlurmJobs& jobs) {
  std::vector<SlurmJob> all = jobs.others;
  all.insert(all.begin(), jobs.own);
  return all;
}

/// "; Slurm job 101 for the same folder is pending", for each that is in the queue.
std::string further_jobs_text(const std::vector<SlurmJob>& jobs) {
  std::string text;
  for (const SlurmJob& job : jobs) {
    if (!is_in_queue(job.state)) continue;
    text += fmt::format("; Slurm job {} for the same folder is {}", job.id, name_of(job.state));
  }
  return text;
}

/// What comes next of a run that is over: its jobs in the queue, else what its user can do.
std::string next_text(const SlurmJobs& jobs, const std::string& advice) {
  std::string text;
  for (const SlurmJob& job : all_of(jobs)) {
    if (!is_in_queue(job.state)) continue;
    text += fmt::format("; Slurm job {} is {}{}", job.id, name_of(job.state),
                        job.state == State::pending ? " and goes on" : "");
  }
  return text.empty() ? "; " + advice : text;
}

/// Whether the owner of a lock lives, if this machine cannot tell: by Slurm, else by the age of its last record.
Liveness liveness_by_signs(const RunSigns& signs, double longest_layer) {
  constexpr double usual_silence = 600;
  constexpr double times_as_long = 4;
  switch (signs.jobs.own.state) {
    case State::running:
    case State::suspended:
      return Liveness::alive;
    case State::pending:
    case State::gone:
      return Liveness::dead;
    case State::unknown:
      break;
  }
  const double longest_silence = std::max(usual_silence, times_as_long * longest_layer);
  return signs.seconds_since_record > longest_silence ? Liveness::dead : Liveness::unknown;
}

RunState state_by_lock(const FoundLock& lock, const RunSigns& signs, const RunRecords& records) {
  const std::string who = lock.owner ? printable(lock.owner->description()) : "its lock does not say who";
  const Liveness found =
      lock.liveness == Liveness::unknown ? liveness_by_signs(signs, records.longest_layer) : lock.liveness;
  if (found == Liveness::dead) {
    return {.text = fmt::format("lost: {}, ended without a word; {}{}", who, age_text(signs),
                                next_text(signs.jobs, "the same command goes on"))};
  }
  const bool suspended = signs.jobs.own.state == State::suspended;
  return {
      .running = !suspended,
      .text = fmt::format("{}: {}; {}{}{}{}", suspended ? "suspended" : "running", who, age_text(signs),
                          records.all_done ? "; all layers are done, the results are being written" : "",
                          found == Liveness::unknown ? "; that process cannot be seen from this machine" : "",
                          further_jobs_text(signs.jobs.others))};
}

/// How the last run ended, and what its user can do.
struct Ended {
  std::string how;
  std::string advice;
};

Ended ended_run(const std::optional<Ending>& ending) {
  if (!ending) return {"not running", "the same command goes on"};
  if (ending->exit_code == exit_complete) {
    return {"ended: the layers left need more memory than it had",
            "with more memory a rank the same command computes them"};
  }
  if (ending->exit_code == exit_stopped_early) {
    return {fmt::format("stopped ({})", ending->exit_code), "the same command goes on"};
  }
  return {fmt::format("failed ({}): {}", ending->exit_code, printable_message(ending->reason)),
          "once that is mended, the same command goes on"};
}

}  // namespace

RunState run_state(const RunSigns& signs, const std::optional<Ending>& ending, const RunRecords& records) {
  if (signs.lock) return state_by_lock(*signs.lock, signs, records);
  if (records.all_done && records.has_results && !ending) {
    return {.complete = true, .text = "complete" + further_jobs_text(all_of(signs.jobs))};
  }
  Ended ended = ended_run(ending);
  if (records.all_done && !ending) {
    ended = {fmt::format("not running: all layers are done, but not all of them are in {}", results_name),
             "the same command writes it"};
  }
  return {.text = fmt::format("{}; {}{}", ended.how, age_text(signs), next_text(signs.jobs, ended.advice))};
}

RunSigns signs_beside(const std::filesystem::path& journal, const SlurmJobs& jobs) {
  using Clock = std::filesystem::file_time_type::clock;
  RunSigns signs{
      .lock = lock_beside(journal), .jobs = jobs, .seconds_since_record = 0, .results_file = journal};
  signs.results_file.replace_extension(".h5");
  std::error_code missing;
  const auto written = std::filesystem::last_write_time(journal, missing);
  if (!missing) {
    const std::chrono::duration<double> age = Clock::now() - written;
    signs.seconds_since_record = std::max(0.0, age.count());
  }
  return signs;
}

}  // namespace alphahill
