/// The journal of a run: an append-only file of records, the truth while the run is in progress.
///
/// file   := magic "ALPHAHILL-JOURNAL-3\n" | frame*
/// frame  := magic u32 | kind u8 | payload bytes u32 | crc32c u32 of kind, size and payload | payload
/// kind   := 1: RunDescription, exactly one, first; 2: LayerRecord; 3: Attempt; 4: Asked; 5: Ending;
///           frames of other kinds are passed over
/// payload := version of the record u16 | the byte form of base/bytes.hpp
///
/// A record whose append returned is never lost. On opening, a torn tail is cut off; damage before it is
/// reported with its offset and costs only the layers that it hit: they count as not finished. Of two records
/// of a layer the later one holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/file.hpp"
#include "alphahill/results/run_lock.hpp"
#include "alphahill/results/tables.hpp"

namespace alphahill {

/// What becomes of an attempt to compute a layer, besides its record.
enum class AttemptEvent : std::uint8_t {
  begun = 1,     ///< a rank is about to compute the layer
  released = 2,  ///< the run ended in order before the rank was done
  crash = 3,     ///< the layer crashed the run
};
constexpr AttemptEvent last_of(AttemptEvent) {
  return AttemptEvent::crash;
}

struct Attempt {
  std::int64_t layer = 0;
  AttemptEvent event = AttemptEvent::begun;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.layer, self.event);
  }
};

/// Where the record of a layer is, and what it has.
struct RecordPlace {
  std::int64_t offset;                     ///< of its frame
  std::map<std::string, Status> statuses;  ///< by precision
};
RecordPlace place_of(const LayerRecord& record, std::int64_t offset);

/// What a run asks of a journal.
struct RunRequest {
  RunDescription run;                    ///< with the layers and precisions that are asked for
  std::vector<LayerRow> model_layers;    ///< all of the model, in layer order
  bool include_mtp = true;               ///< layers of multi-token prediction are asked for
  std::vector<std::string> survey = {};  ///< of the precisions those without a spectrum

  Asked asked() const;
};

/// How the last run ended, where it could say so.
struct Ending {
  std::int32_t exit_code = 0;
  std::string reason;  ///< of a failure

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.exit_code, self.reason);
  }
  bool operator==(const Ending&) const = default;
};

/// The attempts at a layer since its last record, if it has one.
struct AttemptTally {
  std::int64_t unexplained = 0;  ///< begun, and the run went down
  std::int64_t crashes = 0;

  void add(AttemptEvent event);
  /// Attempts that add up to it.
  std::vector<Attempt> attempts_at(std::int64_t layer) const;
};

struct JournalContents;

/// Its name in the output folder of a run.
inline constexpr const char* journal_name = "alpha_hill.journal";

class Journal {
 public:
  /// Goes on with the journal at `path`, or begins one where there is none, or one torn within its first
  /// frame. Holds the folder's lock (run_lock.hpp). The model's name, host and version may differ from the
  /// journal's. What is asked for and not yet there, layers or precisions, is added to its description, in
  /// layer order; layers that are not computed are described as this version of the program sees them: then, and
  /// for a journal of an earlier version, the file is written anew beside the old one
  /// and renamed over it; records and attempts are kept. One of other weights or settings in which no layer has
  /// a figure yet is begun anew.
  /// @throws Error(input) when it belongs to a run of other weights or settings that change figures; names those
  /// that differ
  /// @throws Error(input) when its magic or its description of the run is damaged
  /// @throws Error(system) when another run holds the lock, or the journal cannot be written
  static Journal open_or_resume(const std::filesystem::path& path, const RunRequest& request);
  /// The same of a model of the run's layers alone.
  static Journal open_or_resume(const std::filesystem::path& path, const RunDescription& run) {
    return open_or_resume(path, {run, run.layers});
  }
  /// What that would go on with, for reading: nothing where it would begin anew. No lock.
  /// @throws Error(input) as above
  static std::optional<Journal> find_resumable(const std::filesystem::path& path, const RunRequest& request);
  /// Begins anew, whatever was there. @throws Error(system) as above
  static Journal restart(const std::filesystem::path& path, const RunRequest& request);
  static Journal restart(const std::filesystem::path& path, const RunDescription& run) {
    return restart(path, RunRequest{run, run.layers});
  }
  /// The records so far of a run that may still be writing them; no lock, and a torn tail is passed over.
  /// @throws Error(input) when there is no run in it
  static Journal open_for_reading(const std::filesystem::path& path);

  /// True where it took the place of another run's: what else that one left in the folder is out of date.
  bool replaces_another() const { return replaces_another_; }
  /// The run that began the journal, with all layers and precisions that have been asked for since.
  const RunDescription& run() const { return run_; }
  /// True when the layer's record is on disk.
  bool has(std::int64_t layer) const { return frames_.contains(layer); }
  /// True when it has all of these precisions.
  bool has(std::int64_t layer, std::span<const std::string> precisions) const;
  /// Its rows of this status count as missing from now on, until a later record of it is on disk: the layer is
  /// to be computed again. @return whether one of these precisions has it
  bool reconsider(std::int64_t layer, std::span<const std::string> precisions, Status status);
  std::int64_t finished() const { return static_cast<std::int64_t>(frames_.size()); }
  /// The last run's, or everything.
  Asked asked() const { return asked_.value_or(everything_in(run_)); }
  /// Was the layer's record written by the last run, which may have gone on with what others had written?
  bool is_of_last_run(std::int64_t layer) const;
  /// Nothing while a run is in progress, and after one that was killed.
  const std::optional<Ending>& ending() const { return ending_; }

  /// Appends records and attempts with one write. They survive the end of the process; that of the machine,
  /// and for `has`, once `sync` has returned. When writing fails, the file is cut back to what it held
  /// before, and a later write may succeed.
  /// @throws Error(system) "pwrite failed: No space left on device; ...", or when the file was removed
  void write(std::span<const LayerRecord> records, std::span<const Attempt> attempts);
  /// Returns when everything written is on disk; when that fails, records since the last time are cut off.
  /// @throws Error(system)
  void sync();

  /// Records alone, written and synced.
  void append(std::span<const LayerRecord> records);
  /// Attempts alone, written.
  void note(std::span<const Attempt> attempts) { write({}, attempts); }
  AttemptTally attempts(std::int64_t layer) const;
  /// Written; of the last thing that a run does.
  void note_ending(const Ending& ending);

  /// Gives the folder's lock back before a process ends that destroys nothing. No more may be written.
  void unlock() { lock_.reset(); }

  /// Reads a layer's record back from disk. @throws Error(input) when it is not there or damaged
  LayerRecord read(std::int64_t layer) const;

 private:
  Journal(std::optional<RunLock> lock, File file, JournalContents contents);
  static Journal begin(RunLock lock, File file, const RunRequest& request);
  /// Written; of the first thing that a run does which goes on.
  void note_asked(const Asked& asked);
  /// Appends frames with one write.
  void append_bytes(std::span<const std::byte> bytes);
  /// Makes a change to the file, or cuts the file back to `end` and throws.
  void change_or_cut_back(std::int64_t end, const std::function<void()>& change);

  std::optional<RunLock> lock_;  ///< of a journal that is written
  File file_;
  RunDescription run_;
  bool replaces_another_ = false;
  std::map<std::int64_t, RecordPlace> frames_;    ///< by layer
  std::map<std::int64_t, RecordPlace> unsynced_;  ///< those that are written and not yet synced
  std::map<std::int64_t, AttemptTally> attempts_;
  std::optional<Asked> asked_;
  std::optional<Ending> ending_;
  std::int64_t last_run_begin_;  ///< where its frames begin
  std::int64_t end_;             ///< where the next frame goes
  std::int64_t unsynced_begin_;  ///< where the first frame of `unsynced_` begins; `end_` when there is none
};

}  // namespace alphahill
