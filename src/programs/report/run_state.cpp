#include "programs/report/run_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "programs/command_line/exit_codes.hpp"

namespace alphahill {

namespace {

using State = SlurmJob::State;

constexpr const char* go_on = "the same command goes on";

std::string age_text(const RunSigns& signs) {
  return fmt::format("last record {} ago", human_seconds(signs.seconds_since_record));
}

/// "; Slurm job 100 is pending", where the run has a job.
std::string job_text(const SlurmJob& job) {
  if (job.state == State::running) return fmt::format("; Slurm job {} is running", job.id);
  if (job.state == State::pending) return fmt::format("; Slurm job {} is pending and goes on", job.id);
  return {};
}

/// Whether the owner of a lock lives, if this machine cannot tell: by Slurm, else by the age of its last record.
Liveness liveness_by_signs(const RunSigns& signs, double longest_layer) {
  constexpr double usual_silence = 600;
  constexpr double times_as_long = 4;
  switch (signs.job.state) {
    case State::running:
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

RunState state_by_lock(const FoundLock& lock, const RunSigns& signs, double longest_layer) {
  const std::string who = lock.owner ? printable(lock.owner->description()) : "its lock does not say who";
  const Liveness found =
      lock.liveness == Liveness::unknown ? liveness_by_signs(signs, longest_layer) : lock.liveness;
  if (found == Liveness::dead) {
    const std::string further = signs.job.state == State::pending || signs.job.state == State::running
                                    ? job_text(signs.job)
                                    : fmt::format("; {}", go_on);
    return {false, fmt::format("lost: {}, ended without a word; {}{}", who, age_text(signs), further)};
  }
  const char* doubt = found == Liveness::unknown ? "; that process cannot be seen from this machine" : "";
  return {true, fmt::format("running: {}; {}{}", who, age_text(signs), doubt)};
}

std::string ending_text(const Ending& ending) {
  if (ending.exit_code == exit_complete) return "ended: the layers left need more memory than it had";
  if (ending.exit_code == exit_stopped_early) return fmt::format("stopped ({})", ending.exit_code);
  return fmt::format("failed ({}): {}", ending.exit_code, printable_message(ending.reason));
}

}  // namespace

SlurmJob SlurmJob::parse(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string name = text.substr(0, colon);
  const std::string id = text.substr(std::min(colon + 1, text.size()));
  if (text == "unknown") return {};
  if (text == "gone") return {State::gone, ""};
  if (name == "running" && !id.empty()) return {State::running, id};
  if (name == "pending" && !id.empty()) return {State::pending, id};
  throw Error(Fault::usage, "--slurm-jobs",
              fmt::format("expected unknown, gone, running:JOB or pending:JOB, found '{}'", text));
}

RunState run_state(const RunSigns& signs, const std::optional<Ending>& ending, double longest_layer) {
  if (signs.lock) return state_by_lock(*signs.lock, signs, longest_layer);
  const std::string how = ending ? ending_text(*ending) : "not running";
  const std::string further = job_text(signs.job);
  return {false, fmt::format("{}; {}{}", how, age_text(signs),
                             further.empty() ? fmt::format("; {}", go_on) : further)};
}

RunSigns signs_beside(const std::filesystem::path& journal, const SlurmJob& job) {
  using Clock = std::filesystem::file_time_type::clock;
  const std::chrono::duration<double> age = Clock::now() - std::filesystem::last_write_time(journal);
  return {lock_beside(journal), job, std::max(0.0, age.count())};
}

}  // namespace alphahill
