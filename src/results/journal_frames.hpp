/// The frames of a journal file: packing them, checking them, and finding them again behind damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alphahill/base/bytes.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/results/journal.hpp"
#include "alphahill/results/tables.hpp"

namespace alphahill {

inline constexpr std::string_view journal_magic = "ALPHAHILL-JOURNAL-3\n";
/// How a user gets out of an error about the journal.
inline constexpr std::string_view how_to_begin_anew =
    "use `--restart` to begin anew, or another --output-dir";

enum class FrameKind : std::uint8_t { run = 1, layer = 2, attempt = 3, asked = 4, ending = 5 };

/// Appends a frame to the bytes. @throws Error(internal) for a payload of 4 GiB or more
void append_frame(std::vector<std::byte>& bytes, FrameKind kind, std::span<const std::byte> payload);

/// The same of a record of the present version.
template <class Record>
void append_record(std::vector<std::byte>& bytes, FrameKind kind, const Record& record) {
  std::vector<std::byte> payload = to_bytes(std::uint16_t{record_version});
  const std::vector<std::byte> fields = to_bytes(record);
  payload.insert(payload.end(), fields.begin(), fields.end());
  append_frame(bytes, kind, payload);
}

/// The record in a frame: its version and its bytes.
struct Payload {
  int version;
  std::vector<std::byte> bytes;
};

/// The payload of the frame at `offset`. @throws Error(input) when there is no whole frame there, or when its
/// version is not one that is read
Payload read_payload(const File& file, std::int64_t offset);

/// What a journal holds. Of the records only their places are kept.
struct JournalContents {
  std::optional<RunDescription> run;  ///< nothing in a file that is empty or torn within its first frame
  std::map<std::int64_t, RecordPlace> frames;  ///< of the last good record of each layer
  std::map<std::int64_t, AttemptTally> attempts = {};
  std::optional<Asked> asked = {};    ///< of the last run
  std::optional<Ending> ending = {};  ///< of that run
  std::int64_t last_run_begin = 0;    ///< where its frames begin; 0 for a run that began the journal
  std::int64_t end = 0;               ///< of the last good frame; what follows is a torn tail
  bool of_present_version = true;  ///< the program that began the journal wrote this version of the records
};

/// Reads the file once, in large blocks. Damage between good frames is logged with its offset.
/// @throws Error(input) when it is no journal, or its run description is damaged, or a newer program wrote it
JournalContents scan_journal(const File& file);

}  // namespace alphahill
