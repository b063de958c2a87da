#include "alphahill/results/run_lock.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "alphahill/base/environment.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t longest_text = 4096;

/// Empty where the kernel does not say.
std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

/// Has the process ended, and nobody has asked how? It holds no lock then.
bool is_zombie(std::int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;  // "pid (command) state ..."; a command may have any character
  std::getline(file, text, '\0');
  const std::size_t end_of_command = text.rfind(')');
  return end_of_command != std::string::npos && text.compare(end_of_command, 3, ") Z") == 0;
}

bool process_lives(std::int64_t pid) {
  const bool exists = ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
  return exists && !is_zombie(pid);
}

std::string text_of(const File& file) {
  std::string text(static_cast<std::size_t>(std::min(file.size(), longest_text)), '\0');
  file.read_at(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

/// For the end of an error of one of several tasks of a Slurm job, about a folder of the same job or of nobody known.
std::string hint_of_lone_tasks(const std::optional<LockOwner>& owner, const LockOwner& ours) {
  if (tasks_of_slurm_step() < 2 || (owner && owner->job != ours.job)) return "";
  return "; if that is another task of the same srun, MPI does not join them: srun --mpi=pmix does";
}

/// @param attempt  to lock the file
/// @throws Error(system) unless it is certain that no process that lives left the file
void require_stale_lock(const File& file, const LockOwner& ours, LockAttempt attempt) {
  const std::string path = file.path().string();
  const auto owner = LockOwner::parse(text_of(file));
  const std::string who = owner ? owner->description() : "which one, the file does not say";
  const Liveness of_nobody = attempt == LockAttempt::taken ? Liveness::dead : Liveness::unknown;
  const Liveness found = owner ? liveness(*owner, ours, attempt) : of_nobody;
  if (attempt == LockAttempt::held || found == Liveness::alive) {
    throw Error(Fault::system, path,
                "another run is using this folder: " + who + hint_of_lone_tasks(owner, ours));
  }
  if (found == Liveness::dead)
    return spdlog::info("{}: its run did not end in order: {}", printable(path), printable(who));
  throw Error(Fault::system, path,
              "a run on another machine may be using this folder: " + who +
                  "; if it has ended, remove this file and run the same command again" +
                  hint_of_lone_tasks(owner, ours));
}

std::filesystem::path lock_path(std::filesystem::path journal) {
  return journal.replace_extension(".lock");
}

/// Whoever only looks (lock_beside) has the lock for a moment.
LockAttempt try_to_lock(File& file) {
  const LockAttempt attempt = file.try_lock();
  if (attempt != LockAttempt::held) return attempt;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return file.try_lock();
}

/// Creates the file and locks it where that is possible, or clears the way for that.
/// @return nothing when it is to be tried again
std::optional<File> try_to_create(const std::filesystem::path& path, const LockOwner& ours) {
  if (std::optional<File> file = File::create_new(path)) {
    // Until it is locked, another run that starts may take it for one that was left behind.
    const bool is_ours = file->try_lock() != LockAttempt::held && file->is_at_its_path();
    return is_ours ? std::move(file) : std::nullopt;
  }
  File file = File::open_or_create(path);
  require_stale_lock(file, ours, try_to_lock(file));
  if (file.is_at_its_path()) std::filesystem::remove(path);
  return std::nullopt;
}

}  // namespace

LockOwner LockOwner::this_process() {
  const std::string host = host_name();
  return {.host = host,
          .boot = boot_id().empty() ? host : boot_id(),
          .pid = ::getpid(),
          .job = environment("SLURM_JOB_ID", LockOwner::no_job),
          .requeues = environment_number("SLURM_RESTART_COUNT").value_or(0),
          .since = fmt::format("{:%F %T} UTC", fmt::gmtime(std::time(nullptr)))};
}

std::optional<LockOwner> LockOwner::parse(const std::string& text) {
  std::istringstream words(text);
  std::string key;
  LockOwner owner;
  words >> key >> owner.host >> key >> owner.boot >> key >> owner.pid >> key >> owner.job >> key >>
      owner.requeues >> key;
  std::getline(words >> std::ws, owner.since);
  return words ? std::optional(owner) : std::nullopt;
}

std::string LockOwner::text() const {
  return fmt::format("host {}\nboot {}\npid {}\njob {}\nrequeues {}\nsince {}\n", host, boot, pid, job,
                     requeues, since);
}

std::string LockOwner::description() const {
  const std::string in_job = job == no_job ? "" : ", Slurm job " + job;
  return fmt::format("pid {} on {}{}, since {}", pid, host, in_job, since);
}

Liveness liveness(const LockOwner& left_behind, const LockOwner& ours, LockAttempt attempt) {
  if (left_behind.boot == ours.boot) {
    if (attempt == LockAttempt::held) return Liveness::alive;
    const bool ended = attempt == LockAttempt::taken || left_behind.pid == ours.pid;
    return !ended && process_lives(left_behind.pid) ? Liveness::alive : Liveness::dead;
  }
  const bool rebooted = left_behind.host == ours.host;
  const bool requeued = left_behind.job != LockOwner::no_job && left_behind.job == ours.job &&
                        left_behind.requeues < ours.requeues;
  return rebooted || requeued ? Liveness::dead : Liveness::unknown;
}

std::optional<FoundLock> lock_beside(const std::filesystem::path& journal) {
  const LockOwner ours = LockOwner::this_process();
  try {
    const File file = File::open_for_reading(lock_path(journal));
    const auto owner = LockOwner::parse(text_of(file));
    if (!owner) return FoundLock{};
    // Locks may be known to one machine alone.
    const bool is_here = owner->boot == ours.boot;
    const FoundLock found{owner,
                          liveness(*owner, ours, is_here ? file.probe_lock() : LockAttempt::unsupported)};
    const bool has_ended_since = !file.is_at_its_path();
    return has_ended_since ? std::nullopt : std::optional(found);
  } catch (const Error&) {
    return std::nullopt;
  }
}

RunLock RunLock::take(const std::filesystem::path& path) {
  const LockOwner ours = LockOwner::this_process();
  std::optional<File> file;
  while (!file) file = try_to_create(path, ours);
  RunLock lock(*std::move(file));
  const std::string text = ours.text();
  lock.file_->write_at(std::as_bytes(std::span(text)), 0);
  lock.file_->sync();
  return lock;
}

RunLock RunLock::take_beside(const std::filesystem::path& journal) {
  return take(lock_path(journal));
}

RunLock::RunLock(File file) : file_(std::make_unique<File>(std::move(file))) {}

RunLock::~RunLock() {
  try {
    if (file_ && file_->is_at_its_path()) std::filesystem::remove(file_->path());
  } catch (const std::exception&) {
    // The file stays, and the next run finds that it was left by a process that is dead.
  }
}

}  // namespace alphahill
