#include "alphahill/report/child_processes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

void check(int code, const char* call, const std::string& program) {
  if (code == 0) return;
  throw Error(Fault::system, program, fmt::format("{} failed: {}", call, std::strerror(code)));
}

/// Where a child runs and what its standard streams are.
class FileActions {
 public:
  FileActions(const std::filesystem::path& folder, const std::filesystem::path& messages) {
    check(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init", "posix_spawn");
    // Streams before the change of folder: `messages` is relative to ours.
    add(::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0));
    add(::posix_spawn_file_actions_addopen(&actions_, 1, messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                           0600));
    add(::posix_spawn_file_actions_adddup2(&actions_, 1, 2));
    add(::posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()));
  }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  static void add(int code) { check(code, "posix_spawn_file_actions", "posix_spawn"); }
  posix_spawn_file_actions_t actions_;
};

/// Our environment but for one variable, ended by a null pointer.
std::vector<char*> environment_without(const std::string& hidden) {
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with(hidden + "=")) environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  return environment;
}

std::string failure_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return fmt::format("exit status {}", WEXITSTATUS(status));
  return {};
}

/// waitpid that goes on after a signal. @return whether the child has ended
bool ended(pid_t child, int* status, int options) {
  pid_t result;
  do result = ::waitpid(child, status, options);
  while (result < 0 && errno == EINTR);
  if (result < 0) check(errno, "waitpid", "a child process");
  return result == child;
}

}  // namespace

AllCores::AllCores() {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t all;
  std::memset(&all, 0xFF, sizeof all);
  ::sched_setaffinity(0, sizeof all, &all);  // the kernel leaves those that are granted
  ::sched_getaffinity(0, sizeof all, &all);
  count_ = std::max(1, CPU_COUNT(&all));
}

AllCores::~AllCores() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

ChildProcesses::~ChildProcesses() {
  for (const auto& [child, number] : running_) ::kill(child, SIGKILL);
  for (const auto& [child, number] : running_) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void ChildProcesses::start(std::int64_t number, const std::vector<std::string>& command,
                           const std::filesystem::path& folder, const std::filesystem::path& messages,
                           const std::string& hidden) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> environment = environment_without(hidden);
  const FileActions actions(folder, messages);
  pid_t child = 0;
  const int code =
      ::posix_spawnp(&child, arguments[0], actions.get(), nullptr, arguments.data(), environment.data());
  check(code, "starting it", command.front());
  running_[child] = number;
}

ChildProcesses::Ended ChildProcesses::wait() {
  // Each child is asked for by its number: waiting for any child would take those of the MPI library.
  constexpr std::chrono::milliseconds pause(5);
  while (true) {
    for (const auto& [child, number] : running_) {
      int status = 0;
      if (!ended(child, &status, WNOHANG)) continue;
      const Ended result{number, failure_of(status)};
      running_.erase(child);
      return result;
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace alphahill
