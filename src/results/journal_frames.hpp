/// The frames of a journal file: packing them, checking them, and finding them again behind damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alphahill/base/file.hpp"
#include "alphahill/results/journal.hpp"
#include "alphahill/results/tables.hpp"

namespace alphahill {

inline constexpr std::string_view journal_magic = "ALPHAHILL-JOURNAL-2\n";
/// How a user gets out of an error about the journal.
inline constexpr std::string_view how_to_begin_anew =
    "use `--restart` to begin anew, or another --output-dir";

enum class FrameKind : std::uint8_t { run = 1, layer = 2, attempt = 3 };

/// Appends a frame to the bytes. @throws Error(internal) for a payload of 4 GiB or more
void append_frame(std::vector<std::byte>& bytes, FrameKind kind, std::span<const std::byte> payload);

/// The payload of the frame at `offset`. @throws Error(input) when there is no whole frame there
std::vector<std::byte> read_payload(const File& file, std::int64_t offset);

/// What a journal holds. Of the records only their places are kept.
struct JournalContents {
  std::optional<RunDescription> run;  ///< nothing in a file that is empty or torn within its first frame
  std::map<std::int64_t, std::int64_t> frames;  ///< layer, offset of its last good frame
  std::map<std::int64_t, AttemptTally> attempts = {};
  std::int64_t end = 0;  ///< of the last good frame; what follows is a torn tail
};

/// Reads the file once, in large blocks. Damage between good frames is logged with its offset.
/// @throws Error(input) when it is no journal, or its run description is damaged
JournalContents scan_journal(const File& file);

}  // namespace alphahill
