/// A library to preload into alpha-hill: it counts the calls on the files of a folder and, at one of them,
/// ends the process or makes the call fail.
///
/// FAULTS_FOLDER  the folder, or one file
/// FAULTS_CALLS   writes: write pwrite fsync fdatasync rename ftruncate; reads: pread; or the name of one
/// FAULTS_RANK    the MPI rank that is concerned; 0 without it
/// FAULTS_AT      number of the call, from 1; without it the calls are only traced
/// FAULTS_KIND    whole     the call is carried out, then the process is killed
///                half      half of its bytes are moved (another call is left undone), then it is killed
///                unsynced  as whole, and what was not synced is lost, as when the power fails
///                stop      the call is carried out, then the process is stopped, until SIGCONT
///                short     half of the bytes are moved, and the call says so
///                end       nothing is moved, as at the end of a file
///                EINTR, EIO      the call fails
///                ENOSPC, EDQUOT  this call and all after it fail
/// FAULTS_ONCE    the fault comes only where this file is, and takes it away
/// FAULTS_FLOCK   unsupported: flock fails, as on file systems without locks
/// FAULTS_TRACE   gets a line for each of these calls that succeeded: call, path, the file's size behind it;
///                and where the fault came: "fault", call, path; with tabs between
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "synced_contents.hpp"

namespace {

std::string setting(const char* name, const std::string& otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

/// Not in mpirun, which inherits the environment.
bool is_concerned() {
  return std::string_view(program_invocation_short_name) == "alpha-hill" &&
         setting("OMPI_COMM_WORLD_RANK", setting("SLURM_PROCID", "0")) == setting("FAULTS_RANK", "0");
}

struct Plan {
  bool active = is_concerned();
  std::string folder = setting("FAULTS_FOLDER") + "/";
  std::string calls = setting("FAULTS_CALLS");
  long at = std::stol(setting("FAULTS_AT", "0"));
  std::string kind = setting("FAULTS_KIND");
  std::string once = setting("FAULTS_ONCE");
  std::string trace = setting("FAULTS_TRACE", "/dev/null");
  bool flock_works = setting("FAULTS_FLOCK") != "unsupported";

  bool is(std::string_view name) const { return kind == name; }
  bool lasts() const { return is("ENOSPC") || is("EDQUOT"); }
  bool kills() const { return is("whole") || is("half") || is("unsynced"); }
};

const Plan& plan() {
  static const Plan plan;
  return plan;
}

std::string path_of(int descriptor) {
  std::array<char, PATH_MAX> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return {path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

void trace(const std::string& line) {
  const int code = errno;
  static const auto real_write = next_in_line<ssize_t(int, const void*, std::size_t)>("write");
  const int file = ::open(plan().trace.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (real_write(file, (line + "\n").data(), line.size() + 1) < 0) std::abort();
  ::close(file);
  errno = code;
}

/// A call on a file.
struct Call {
  const char* name;
  std::string path;
  bool counts;  ///< it is one of those that FAULTS_CALLS names, on a file of FAULTS_FOLDER

  Call(const char* call, std::string_view calls, std::string file)
      : name(call),
        path(std::move(file)),
        counts(plan().active && (plan().calls == calls || plan().calls == call) &&
               (path + "/").starts_with(plan().folder)) {}

  /// Counts the call. @return true where the fault comes
  bool is_due() const {
    static std::atomic<long> count = 0;
    const long number = counts ? ++count : 0;
    if (number == 0 || plan().at == 0) return false;
    const bool reached = number == plan().at || (plan().lasts() && number > plan().at);
    return reached && (plan().once.empty() || ::unlink(plan().once.c_str()) == 0);
  }
  void returned() const {
    struct stat status {};
    if (counts && ::stat(path.c_str(), &status) == 0) {
      trace(std::string(name) + "\t" + path + "\t" + std::to_string(status.st_size));
    }
  }
};

SyncedContents& synced_contents() {
  static SyncedContents contents;
  return contents;
}

/// What is synced is kept track of where that matters.
bool loses_unsynced(const Call& call) {
  return call.counts && plan().is("unsynced");
}

[[noreturn]] void die() {
  if (plan().is("unsynced")) synced_contents().restore();
  ::kill(::getpid(), SIGKILL);
  std::abort();
}

template <class Result>
Result stop_after(Result result) {
  ::kill(::getpid(), SIGSTOP);
  return result;
}

int fail() {
  static const std::map<std::string, int> numbers{
      {"EINTR", EINTR}, {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}};
  errno = numbers.at(plan().kind);
  return -1;
}

/// The call, or what comes instead where it is the one.
/// @param whole  carries the call out
/// @param half   moves half of its bytes
template <class Whole, class Half>
auto carry_out(const Call& call, Whole whole, Half half) -> decltype(whole()) {
  if (!call.is_due()) {
    const auto result = whole();
    if (result >= 0) call.returned();
    return result;
  }
  trace(std::string("fault\t") + call.name + "\t" + call.path);
  if (plan().is("stop")) return stop_after(whole());
  if (plan().is("half")) half();
  if (plan().is("whole") || plan().is("unsynced")) whole();
  if (plan().kills()) die();
  if (plan().is("short")) return half();
  return plan().is("end") ? 0 : fail();
}

/// A call that moves no bytes: half of it is nothing of it.
template <class Whole>
int carry_out(const Call& call, Whole whole) {
  return carry_out(call, whole, [&] { return plan().is("short") ? whole() : 0; });
}

/// @param move  writes so many bytes
template <class Move>
ssize_t write_bytes(const char* name, int descriptor, std::size_t size, Move move) {
  const Call call(name, "writes", path_of(descriptor));
  if (loses_unsynced(call)) synced_contents().keep(descriptor);
  return carry_out(
      call, [&] { return move(size); }, [&] { return move((size + 1) / 2); });
}

ssize_t pwrite_bytes(const char* name, int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return write_bytes(name, descriptor, size, [&](std::size_t part) {
    return next_in_line<ssize_t(int, const void*, std::size_t, off_t)>(name)(descriptor, bytes, part, offset);
  });
}

ssize_t pread_bytes(const char* name, int descriptor, void* bytes, std::size_t size, off_t offset) {
  const auto move = [&](std::size_t part) {
    return next_in_line<ssize_t(int, void*, std::size_t, off_t)>(name)(descriptor, bytes, part, offset);
  };
  const Call call(name, "reads", path_of(descriptor));
  return carry_out(
      call, [&] { return move(size); }, [&] { return move((size + 1) / 2); });
}

int truncate_file(const char* name, int descriptor, off_t size) {
  const Call call(name, "writes", path_of(descriptor));
  if (loses_unsynced(call)) synced_contents().keep(descriptor);
  return carry_out(call, [&] { return next_in_line<int(int, off_t)>(name)(descriptor, size); });
}

int sync_file(const char* name, int descriptor) {
  const Call call(name, "writes", path_of(descriptor));
  return carry_out(call, [&] {
    if (loses_unsynced(call)) synced_contents().forget(descriptor);
    return next_in_line<int(int)>(name)(descriptor);
  });
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  return write_bytes("write", descriptor, size, [&](std::size_t part) {
    return next_in_line<ssize_t(int, const void*, std::size_t)>("write")(descriptor, bytes, part);
  });
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return pwrite_bytes("pwrite", descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off64_t offset) {
  return pwrite_bytes("pwrite64", descriptor, bytes, size, offset);
}
ssize_t pread(int descriptor, void* bytes, std::size_t size, off_t offset) {
  return pread_bytes("pread", descriptor, bytes, size, offset);
}
ssize_t pread64(int descriptor, void* bytes, std::size_t size, off64_t offset) {
  return pread_bytes("pread64", descriptor, bytes, size, offset);
}
int fsync(int descriptor) {
  return sync_file("fsync", descriptor);
}
int fdatasync(int descriptor) {
  return sync_file("fdatasync", descriptor);
}
int ftruncate(int descriptor, off_t size) noexcept {
  return truncate_file("ftruncate", descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  return truncate_file("ftruncate64", descriptor, size);
}
int rename(const char* from, const char* to) noexcept {
  const auto whole = [&] { return next_in_line<int(const char*, const char*)>("rename")(from, to); };
  const bool may_fail_so = !plan().is("EINTR");  // no system interrupts it
  return may_fail_so ? carry_out(Call("rename", "writes", to), whole) : whole();
}
int flock(int descriptor, int operation) noexcept {
  if (plan().flock_works) return next_in_line<int(int, int)>("flock")(descriptor, operation);
  errno = EOPNOTSUPP;
  return -1;
}

}  // extern "C"
