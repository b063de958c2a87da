/// The lock of an output folder: one run at a time, and a second one is told who holds it.
///
/// A text file, there while a run uses the folder, with a line "key value" for each field of LockOwner. Where
/// the file system has locks, it is locked too (flock), which tells whether a process of this machine that
/// left it behind is alive; else its number tells. What a dead process left is taken over. Of a process on
/// another machine that cannot be known, unless it was of this Slurm job before a requeue: an error says what
/// to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "alphahill/base/file.hpp"

namespace alphahill {

/// A process that holds a folder.
struct LockOwner {
  static constexpr auto no_job = "none";

  std::string host;
  std::string boot;  ///< kernel's id of this boot of the machine
  std::int64_t pid = 0;
  std::string job = no_job;   ///< Slurm's id
  std::int64_t requeues = 0;  ///< of that job so far
  std::string since;          ///< UTC

  static LockOwner this_process();
  /// Nothing when a field is missing: the owner died, or has not yet said who it is.
  static std::optional<LockOwner> parse(const std::string& text);
  std::string text() const;
  /// "pid 4711 on node17, Slurm job 100, since 2025-01-31 12:00:00 UTC"
  std::string description() const;

  bool operator==(const LockOwner&) const = default;
};

enum class Liveness { dead, alive, unknown };

/// Whether the process that left a lock behind still runs.
/// @param attempt  of `ours` at its file's flock
Liveness liveness(const LockOwner& left_behind, const LockOwner& ours, LockAttempt attempt);

/// A lock as a bystander finds it.
struct FoundLock {
  std::optional<LockOwner> owner;  ///< nothing where the file does not say
  Liveness liveness = Liveness::unknown;
};

/// The lock of the folder that a journal is in, left as it is. Where the file system has no locks, the owner's number
/// alone tells of a process of this machine, which one begun since may have. @return nothing where there is none
std::optional<FoundLock> lock_beside(const std::filesystem::path& journal);

class RunLock {
 public:
  /// @throws Error(system) when another run holds it, or may hold it: who, and how to go on
  static RunLock take(const std::filesystem::path& path);
  /// The lock of the folder that a journal is in: a file of the journal's name that ends in .lock.
  static RunLock take_beside(const std::filesystem::path& journal);
  RunLock(RunLock&&) = default;
  RunLock& operator=(RunLock&&) = delete;
  /// Removes the file.
  ~RunLock();

 private:
  explicit RunLock(File file);
  std::unique_ptr<File> file_;
};

}  // namespace alphahill
