/// What files held when they were last synced, so that a crash can lose the rest.
#pragma once

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

/// The function that a preloaded library stands in front of.
template <class Function>
Function* next_in_line(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

class SyncedContents {
 public:
  /// To be called before a file is changed.
  void keep(int descriptor) {
    const std::lock_guard lock(mutex_);
    const struct stat status = status_of(descriptor);
    if (contents_.contains(status.st_ino)) return;
    std::vector<char> bytes(static_cast<std::size_t>(status.st_size));
    const auto read = next_in_line<ssize_t(int, void*, std::size_t, off_t)>("pread");
    if (read(descriptor, bytes.data(), bytes.size(), 0) != status.st_size) std::abort();
    contents_[status.st_ino] = {::dup(descriptor), std::move(bytes)};
  }
  /// To be called when a file was synced.
  void forget(int descriptor) {
    const std::lock_guard lock(mutex_);
    const auto content = contents_.find(status_of(descriptor).st_ino);
    if (content == contents_.end()) return;
    ::close(content->second.descriptor);
    contents_.erase(content);
  }
  /// Undoes what was not synced.
  void restore() {
    const std::lock_guard lock(mutex_);
    const auto truncate = next_in_line<int(int, off_t)>("ftruncate");
    const auto write = next_in_line<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    for (const auto& [inode, content] : contents_) {
      const auto size = static_cast<ssize_t>(content.bytes.size());
      const bool truncated = truncate(content.descriptor, size) == 0;
      if (!truncated || write(content.descriptor, content.bytes.data(), content.bytes.size(), 0) != size)
        std::abort();
    }
  }

 private:
  struct Content {
    int descriptor;
    std::vector<char> bytes;
  };
  static struct stat status_of(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) std::abort();
    return status;
  }

  std::mutex mutex_;
  std::map<ino_t, Content> contents_;
};
