#include "alphahill/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

[[noreturn]] void throw_failed(const char* call, const std::filesystem::path& path) {
  const int code = errno;
  throw Error(Fault::system, path.string(), fmt::format("{} failed: {}", call, std::strerror(code)));
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_failed("fstat", path);
  return status;
}

/// Repeats a call that is interrupted by a signal. @return what it returned
template <class Call>
int uninterrupted(Call call) {
  int result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

/// A descriptor of the file, or -1.
int open_descriptor(const std::filesystem::path& path, int flags) {
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  return uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666); });
}

/// Repeats a transfer until all bytes are moved or it moves none (the end of the file).
/// @param transfer  moves bytes behind the first `done` ones, as pread and pwrite do
/// @return the bytes moved
template <class Transfer>
std::size_t transfer_all(std::size_t size, const char* call, const std::filesystem::path& path,
                         Transfer transfer) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t moved = transfer(done);
    if (moved == 0) break;
    if (moved > 0) {
      done += static_cast<std::size_t>(moved);
    } else if (errno != EINTR) {
      throw_failed(call, path);
    }
  }
  return done;
}

LockAttempt attempt_lock(int descriptor, int kind, const std::filesystem::path& path) {
  constexpr int kernel_enotsupp = 524;  // of some network file systems; no C library knows it
  if (uninterrupted([&] { return ::flock(descriptor, kind | LOCK_NB); }) == 0) return LockAttempt::taken;
  if (errno == EWOULDBLOCK) return LockAttempt::held;
  for (const int code : {ENOSYS, EOPNOTSUPP, ENOLCK, EINVAL, kernel_enotsupp}) {
    if (errno == code) return LockAttempt::unsupported;
  }
  throw_failed("flock", path);
}

}  // namespace

File::File(int descriptor, const std::filesystem::path& path) : descriptor_(descriptor), path_(path) {
  if (descriptor_ < 0) throw_failed("open", path);
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) return;
  ::close(descriptor_);
  throw Error(Fault::input, path.string(), "expected a regular file");
}

File File::open_for_reading(const std::filesystem::path& path) {
  return {open_descriptor(path, O_RDONLY), path};
}

File File::open_or_create(const std::filesystem::path& path) {
  return {open_descriptor(path, O_RDWR | O_CREAT), path};
}

std::optional<File> File::create_new(const std::filesystem::path& path) {
  const int descriptor = open_descriptor(path, O_RDWR | O_CREAT | O_EXCL);
  if (descriptor < 0 && errno == EEXIST) return std::nullopt;
  return File(descriptor, path);
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::int64_t File::size() const {
  return status_of(descriptor_, path_).st_size;
}

std::int64_t File::modification_time_ns() const {
  const timespec time = status_of(descriptor_, path_).st_mtim;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool File::is_at_its_path() const {
  struct stat there {};
  if (::stat(path_.c_str(), &there) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_failed("stat", path_);
  }
  const struct stat ours = status_of(descriptor_, path_);
  return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

void File::read_at(std::span<std::byte> bytes, std::int64_t offset) const {
  const std::size_t done = transfer_all(bytes.size(), "pread", path_, [&](std::size_t at) {
    return ::pread(descriptor_, bytes.data() + at, bytes.size() - at, offset + static_cast<off_t>(at));
  });
  if (done == bytes.size()) return;
  throw Error(
      Fault::input, path_.string(),
      fmt::format("expected {} bytes at offset {}, the file ends after {}", bytes.size(), offset, done));
}

void File::write_at(std::span<const std::byte> bytes, std::int64_t offset) {
  const std::size_t done = transfer_all(bytes.size(), "pwrite", path_, [&](std::size_t at) {
    return ::pwrite(descriptor_, bytes.data() + at, bytes.size() - at, offset + static_cast<off_t>(at));
  });
  if (done != bytes.size()) throw Error(Fault::system, path_.string(), "pwrite wrote nothing");
}

void File::truncate(std::int64_t size) {
  if (uninterrupted([&] { return ::ftruncate(descriptor_, size); }) != 0) throw_failed("ftruncate", path_);
}

void File::sync() {
  if (uninterrupted([&] { return ::fdatasync(descriptor_); }) != 0) throw_failed("fdatasync", path_);
}

void File::will_need(std::int64_t offset, std::int64_t bytes) const {
  constexpr std::int64_t piece = 128 * 1024;  // Linux reads ahead no more than its window at a call
  for (const std::int64_t end = offset + bytes; offset < end; offset += piece) {
    ::posix_fadvise(descriptor_, offset, std::min(piece, end - offset), POSIX_FADV_WILLNEED);
  }
}

LockAttempt File::try_lock() {
  return attempt_lock(descriptor_, LOCK_EX, path_);
}

LockAttempt File::probe_lock() const {
  const LockAttempt attempt = attempt_lock(descriptor_, LOCK_SH, path_);
  if (attempt == LockAttempt::taken) ::flock(descriptor_, LOCK_UN);
  return attempt;
}

void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = open_descriptor(folder, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) throw_failed("open", folder);
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
  const int code = errno;
  ::close(descriptor);
  errno = code;
  // EINVAL: the file system cannot sync folders.
  if (result != 0 && code != EINVAL) throw_failed("fsync", folder);
}

std::string read_text(const std::filesystem::path& path, std::int64_t limit) {
  const File file = File::open_for_reading(path);
  const std::int64_t size = file.size();
  if (size > limit) {
    throw Error(Fault::input, path.string(), fmt::format("{} bytes, expected at most {}", size, limit));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read_at(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_failed("rename", to);
}

void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path& temporary)>& write) {
  replace_file_unsynced(path, [&](const std::filesystem::path& temporary) {
    write(temporary);
    File::open_or_create(temporary).sync();
  });
  sync_folder_of(path);
}

void replace_file_unsynced(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path& temporary)>& write) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  try {
    write(temporary);
    rename_file(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void create_folders(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) throw Error(Fault::system, folder.string(), "the folder cannot be made: " + code.message());
}

}  // namespace alphahill
