/// Notes that a process leaves when a fatal signal ends it: which layers it was computing.
///
/// A note is an empty file alpha_hill.crashed.<layer> in the output folder; the next run enters it into its
/// journal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace alphahill {

/// Where notes go, and handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT that leave one and then let
/// the signal take its course. Once a process.
/// @throws Error(system) where the folder's absolute path is not known, or too long for a note
void leave_crash_notes_in(const std::filesystem::path& folder);

/// Layers that this thread computes, one such object at a time. A crash of the thread is about them; a crash
/// of a thread that computes none, as those of libraries are, about what all threads compute, and so is a
/// fatal signal that another process sends.
class RunningLayers {
 public:
  /// @param layers  outlive this
  explicit RunningLayers(std::span<const std::int64_t> layers);
  ~RunningLayers();
  RunningLayers(const RunningLayers&) = delete;
  RunningLayers& operator=(const RunningLayers&) = delete;

  std::span<const std::int64_t> layers() const { return layers_; }

 private:
  std::span<const std::int64_t> layers_;
};

/// From now on a crash of this thread itself is about no layer.
void exclude_thread_from_crash_notes();

/// The layers that notes in the folder are about; removes the notes. One that cannot be removed counts for
/// nothing, with a warning: it would count again each time. Files whose name ends in no number are left
/// alone.
/// @throws std::filesystem::filesystem_error where the folder cannot be read
std::vector<std::int64_t> take_crash_notes(const std::filesystem::path& folder);

}  // namespace alphahill
