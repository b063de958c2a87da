/// POSIX files as a RAII type: every call is checked, interrupted calls and short transfers are carried on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace alphahill {

/// What became of an attempt to lock a file.
enum class LockAttempt {
  taken,
  held,         ///< another process has it
  unsupported,  ///< by the file system
};

/// An open regular file; closed on destruction. All functions throw Error(system) with the call's name and
/// the path. Opening anything but a regular file (a FIFO, a device) throws Error(input) without blocking.
class File {
 public:
  static File open_for_reading(const std::filesystem::path& path);
  /// Opens for reading and writing, creating an empty file where there is none.
  static File open_or_create(const std::filesystem::path& path);
  /// Creates an empty file. @return nothing where there is one already
  static std::optional<File> create_new(const std::filesystem::path& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const;
  std::int64_t modification_time_ns() const;
  /// False when the file was removed, or replaced by another one, since it was opened.
  bool is_at_its_path() const;

  /// Fills `bytes` from `offset`. @throws Error(input) when the file ends before
  void read_at(std::span<std::byte> bytes, std::int64_t offset) const;
  void write_at(std::span<const std::byte> bytes, std::int64_t offset);
  void truncate(std::int64_t size);
  /// fdatasync.
  void sync();
  /// Asks the system to read this range ahead, in large pieces; a hint, never an error.
  void will_need(std::int64_t offset, std::int64_t bytes) const;
  /// Takes an exclusive lock (flock) that ends with this process.
  LockAttempt try_lock();
  /// Whether somebody has that lock: takes a shared one for a moment, which others may find held.
  LockAttempt probe_lock() const;

 private:
  File(int descriptor, const std::filesystem::path& path);
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// fsync of the folder that holds `path`, so that a new file's name is on disk as well as its bytes.
void sync_folder_of(const std::filesystem::path& path);

/// The whole file as text, at most `limit` bytes. @throws Error(input) when it is larger
std::string read_text(const std::filesystem::path& path, std::int64_t limit);

/// Gives a file another name, in place of a file that has it. @throws Error(system) naming `to`
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Replaces `path` by what `write` puts into a temporary file beside it: written, synced, renamed, so that a
/// reader sees the old file or the whole new one. The temporary file is removed when `write` throws.
void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path& temporary)>& write);

/// The same without a sync, for what can be made again: the file may be lost when the machine goes down.
void replace_file_unsynced(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path& temporary)>& write);

/// Creates the folder and its parents. @throws Error(system) naming the folder that cannot be made
void create_folders(const std::filesystem::path& folder);

}  // namespace alphahill
