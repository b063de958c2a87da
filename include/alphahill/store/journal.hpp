/// The journal of a run: an append-only file of records, the truth while the run is under way.
///
/// file   := magic "ALPHAHILL-JOURNAL-1\n" | frame*
/// frame  := magic u32 | kind u8 | payload bytes u32 | crc32c u32 of kind, size and payload | payload
/// kind   := 1: RunDescription, exactly one, first; 2: LayerRecord
/// payload: the byte form of base/bytes.hpp.
/// A torn tail is cut off on opening; a record whose append returned is never lost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "alphahill/base/file.hpp"
#include "alphahill/store/tables.hpp"

namespace alphahill {

class Journal {
 public:
  /// Goes on with the journal at `path`, or begins one when there is none. Holds an exclusive lock on it.
  /// @throws Error(input) when it belongs to a run of another model or other settings, or is damaged before its tail
  /// @throws Error(system) when another process holds it, or it cannot be written
  static Journal open_or_resume(const std::filesystem::path& path, const RunDescription& run);
  /// Begins anew, whatever was there.
  static Journal restart(const std::filesystem::path& path, const RunDescription& run);

  const RunDescription& run() const { return run_; }
  /// True when the layer's record is on disk.
  bool has(std::int64_t layer) const { return frames_.contains(layer); }
  std::int64_t finished() const { return static_cast<std::int64_t>(frames_.size()); }

  /// Appends the records and returns when they are on disk (one fdatasync for all of them). When that fails, the
  /// file is cut back to what it held before.
  /// @throws Error(system) "no space left", ...
  void append(std::span<const LayerRecord> records);

  /// Reads a layer's record back from disk. @throws Error(input) when it is not there or damaged
  LayerRecord read(std::int64_t layer) const;

 private:
  struct Extent {
    std::int64_t offset;
    std::int64_t bytes;
  };
  Journal(File file, RunDescription run);
  void scan();

  File file_;
  RunDescription run_;
  std::map<std::int64_t, Extent> frames_;
  std::int64_t end_ = 0;
};

}  // namespace alphahill
