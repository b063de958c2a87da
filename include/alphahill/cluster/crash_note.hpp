/// A note that a process leaves when a fatal signal ends it: which layer it was computing.
///
/// The note is an empty file alpha_hill.crashed.<layer> in the output folder; the next run enters it into its
/// journal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace alphahill {

/// Where notes go, and handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT that leave one and then let
/// the signal take its course. Once a process.
void leave_crash_notes_in(const std::filesystem::path& folder);

/// The layer that a crash of this thread from now on is about; 0: none. A crash of a thread that computes
/// none is about the layer that was begun last.
void computing_layer(std::int64_t layer);

/// The layers that notes in the folder are about; removes the notes.
std::vector<std::int64_t> take_crash_notes(const std::filesystem::path& folder);

}  // namespace alphahill
