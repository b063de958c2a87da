/// Child processes on all cores that this process may use.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace alphahill {

/// Lets the calling thread, and the children that it starts, use every core that the system or the batch job
/// grants, until destruction: MPI launchers bind a rank to one core.
class AllCores {
 public:
  AllCores();
  ~AllCores();
  AllCores(const AllCores&) = delete;
  AllCores& operator=(const AllCores&) = delete;

  int count() const { return count_; }

 private:
  cpu_set_t before_;
  int count_;
};

/// Running children; those still running are killed on destruction.
class ChildProcesses {
 public:
  ChildProcesses() = default;
  ~ChildProcesses();
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  /// Starts a program, found on PATH, in `folder`, without input; what it prints goes to the file `messages`.
  /// @param number  by which wait() calls it
  /// @param hidden  a variable of our environment that the program shall not see
  /// @throws Error(system) naming the program when it cannot be started
  void start(std::int64_t number, const std::vector<std::string>& command,
             const std::filesystem::path& folder, const std::filesystem::path& messages,
             const std::string& hidden = {});
  std::int64_t running() const { return static_cast<std::int64_t>(running_.size()); }

  struct Ended {
    std::int64_t number;
    std::string failure;  ///< empty, "exit status 1", "signal 9"
  };
  /// Waits until a child ends. @pre running() > 0
  Ended wait();

 private:
  std::map<pid_t, std::int64_t> running_;
};

}  // namespace alphahill
