#include "alphahill/results/journal.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "alphahill/base/bytes.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "results/journal_frames.hpp"

namespace alphahill {

namespace {

struct Setting {
  std::string name;
  std::string value;

  bool operator==(const Setting&) const = default;
};

/// What two runs must have in common to share a journal: all that changes figures.
std::vector<Setting> settings_of(const RunDescription& run) {
  return {{"--load-dtype", run.load_dtype},
          {"--k-frac", fmt::format("{}", run.k_frac)},
          {"--share-tolerance", fmt::format("{}", run.share_tolerance)}};
}

void require_same_settings(const RunDescription& ours, const RunDescription& theirs,
                           const std::string& path) {
  const auto wanted = settings_of(ours);
  const auto found = settings_of(theirs);
  const auto [want, have] = std::ranges::mismatch(wanted, found);
  if (want == wanted.end()) return;
  throw Error(Fault::input, path,
              fmt::format("it belongs to a run whose {} is '{}', expected '{}'; {}", have->name, have->value,
                          want->value, how_to_begin_anew));
}

using LayersByName = std::map<std::string_view, const LayerRow*>;

LayersByName by_name(const std::vector<LayerRow>& layers) {
  LayersByName named;
  for (const LayerRow& layer : layers) named.emplace(layer.name, &layer);
  return named;
}

std::string shape_text(const LayerRow& layer) {
  return fmt::format("{}x{} {}", layer.out_features, layer.in_features, layer.stored_dtype);
}

/// Where the model of a run differs from the one that is asked for; empty where no layer does.
std::string layer_difference(const RunDescription& theirs, const std::vector<LayerRow>& model) {
  const LayersByName ours = by_name(model);
  for (const LayerRow& layer : theirs.layers) {
    const auto same = ours.find(layer.name);
    if (same == ours.end()) return fmt::format("it has a layer '{}', which this one lacks", layer.name);
    if (shape_text(*same->second) != shape_text(layer)) {
      return fmt::format("its layer '{}' is {}, here {}", layer.name, shape_text(layer),
                         shape_text(*same->second));
    }
  }
  return {};
}

void require_same_model(const RunRequest& request, const JournalContents& contents, const std::string& path) {
  const RunDescription& theirs = *contents.run;
  const std::string& ours = contents.versioned ? request.run.model_fingerprint : request.fingerprint_by_times;
  std::string difference = layer_difference(theirs, request.model_layers);
  if (difference.empty() && ours == theirs.model_fingerprint) return;
  if (difference.empty()) {
    difference = contents.versioned ? "its config.json, headers or weights are others"
                                    : "its config.json, headers or times of change are others";
  }
  throw Error(Fault::input, path,
              fmt::format("it belongs to a run of another model, '{}', not '{}': {}; {}", theirs.model,
                          request.run.model, difference, how_to_begin_anew));
}

/// The description with what is asked for besides.
RunDescription extended(const RunDescription& theirs, const RunRequest& request) {
  RunDescription run = theirs;
  run.model_fingerprint = request.run.model_fingerprint;
  for (const std::string& precision : request.run.precisions) {
    if (std::ranges::find(run.precisions, precision) == run.precisions.end())
      run.precisions.push_back(precision);
  }
  run.layers.clear();
  const LayersByName wanted = by_name(request.run.layers);
  const LayersByName there = by_name(theirs.layers);
  for (const LayerRow& layer : request.model_layers) {
    if (wanted.contains(layer.name) || there.contains(layer.name)) run.layers.push_back(layer);
  }
  if (run.layers.size() > theirs.layers.size()) run.filter_layers = request.run.filter_layers;
  return run;
}

/// Numbers of layers by name.
std::map<std::string, std::int64_t> numbers_of(const RunDescription& run) {
  std::map<std::string, std::int64_t> numbers;
  for (const LayerRow& layer : run.layers) numbers.emplace(layer.name, std::ssize(numbers) + 1);
  return numbers;
}

LayerRecord renumbered(LayerRecord record, std::int64_t layer) {
  record.layer = layer;
  for (ResultRow& row : record.results) row.layer = layer;
  return record;
}

/// Attempts that add up to the tally.
void append_attempts(std::vector<std::byte>& bytes, std::int64_t layer, const AttemptTally& tally) {
  for (std::int64_t i = 0; i < tally.unexplained + tally.blamed; ++i) {
    append_record(bytes, FrameKind::attempt, Attempt{layer, AttemptEvent::begun});
  }
  for (std::int64_t i = 0; i < tally.blamed; ++i) {
    append_record(bytes, FrameKind::attempt, Attempt{layer, AttemptEvent::blamed});
  }
}

/// A new journal file with the records and attempts of another.
void write_anew(const std::filesystem::path& path, const Journal& from, const RunDescription& run) {
  const auto number_of = numbers_of(run);
  File file = File::open_or_create(path);
  file.truncate(0);
  std::int64_t end = 0;
  const auto append = [&](std::span<const std::byte> bytes) {
    file.write_at(bytes, end);
    end += std::ssize(bytes);
  };
  append(std::as_bytes(std::span(journal_magic)));
  std::vector<std::byte> bytes;
  append_record(bytes, FrameKind::run, run);
  append(bytes);
  for (std::int64_t layer = 1; layer <= std::ssize(from.run().layers); ++layer) {
    bytes.clear();
    const std::int64_t number = number_of.at(from.run().layers[static_cast<std::size_t>(layer - 1)].name);
    append_attempts(bytes, number, from.attempts(layer));
    if (from.has(layer)) append_record(bytes, FrameKind::layer, renumbered(from.read(layer), number));
    append(bytes);
  }
}

}  // namespace

void AttemptTally::add(AttemptEvent event) {
  unexplained += event == AttemptEvent::begun ? 1 : -1;
  blamed += event == AttemptEvent::blamed ? 1 : 0;
}

std::vector<std::string> precisions_of(const LayerRecord& record) {
  std::vector<std::string> precisions;
  for (const ResultRow& row : record.results) precisions.push_back(row.precision);
  return precisions;
}

Journal::Journal(std::optional<RunLock> lock, File file, JournalContents contents)
    : lock_(std::move(lock)),
      file_(std::move(file)),
      run_(*std::move(contents.run)),
      frames_(std::move(contents.frames)),
      attempts_(std::move(contents.attempts)),
      asked_(std::move(contents.asked)),
      ending_(std::move(contents.ending)),
      versioned_(contents.versioned),
      end_(contents.end),
      unsynced_begin_(contents.end) {}

Journal Journal::begin(RunLock lock, File file, const RunDescription& run) {
  file.truncate(0);
  const auto magic = std::as_bytes(std::span(journal_magic));
  std::vector<std::byte> bytes(magic.begin(), magic.end());
  append_record(bytes, FrameKind::run, run);
  file.write_at(bytes, 0);
  file.sync();
  sync_folder_of(file.path());
  return {
      std::move(lock), std::move(file), {.run = run, .frames = {}, .attempts = {}, .end = std::ssize(bytes)}};
}

Journal Journal::open_or_resume(const std::filesystem::path& path, const RunRequest& request) {
  RunLock lock = RunLock::take_beside(path);
  File file = File::open_or_create(path);
  JournalContents contents = scan_journal(file);
  const auto resumed = [&](Journal journal) {
    journal.note_asked({request.run.precisions, request.run.filter_layers});
    return journal;
  };
  if (!contents.run) return begin(std::move(lock), std::move(file), request.run);
  require_same_model(request, contents, path.string());
  require_same_settings(request.run, *contents.run, path.string());
  if (request.run.version != contents.run->version) {
    spdlog::warn("{}: begun by version {}, going on with {}", printable(path.string()),
                 printable(contents.run->version), printable(request.run.version));
  }
  const RunDescription run = extended(*contents.run, request);
  const bool same = contents.versioned && run.layers.size() == contents.run->layers.size() &&
                    run.precisions.size() == contents.run->precisions.size();
  if (const std::int64_t torn = file.size() - contents.end; torn > 0) {
    spdlog::warn(
        "{}: the last {} bytes, from byte {} on, are no whole record: cut off; its layer is computed again",
        printable(path.string()), torn, contents.end);
    if (same) file.truncate(contents.end);
  }
  if (same) return resumed({std::move(lock), std::move(file), std::move(contents)});
  const Journal old(std::nullopt, std::move(file), std::move(contents));
  replace_file(path, [&](const std::filesystem::path& temporary) { write_anew(temporary, old, run); });
  File anew = File::open_or_create(path);
  JournalContents kept = scan_journal(anew);
  return resumed({std::move(lock), std::move(anew), std::move(kept)});
}

Journal Journal::restart(const std::filesystem::path& path, const RunDescription& run) {
  RunLock lock = RunLock::take_beside(path);
  return begin(std::move(lock), File::open_or_create(path), run);
}

Journal Journal::open_for_reading(const std::filesystem::path& path) {
  File file = File::open_for_reading(path);
  JournalContents contents = scan_journal(file);
  if (!contents.run) throw Error(Fault::input, path.string(), "expected a journal, found no run in it");
  return {std::nullopt, std::move(file), std::move(contents)};
}

void Journal::write(std::span<const LayerRecord> records, std::span<const Attempt> attempts) {
  std::vector<std::byte> bytes;
  for (const Attempt& attempt : attempts) append_record(bytes, FrameKind::attempt, attempt);
  const std::int64_t first_record = end_ + std::ssize(bytes);
  std::map<std::int64_t, RecordPlace> frames;
  for (const LayerRecord& record : records) {
    if (record.layer < 1 || record.layer > std::ssize(run_.layers)) {
      throw Error(Fault::internal, file_.path().string(), fmt::format("there is no layer {}", record.layer));
    }
    frames[record.layer] = {end_ + std::ssize(bytes), precisions_of(record)};
    append_record(bytes, FrameKind::layer, record);
  }
  const bool first = unsynced_.empty();
  append_bytes(bytes);
  if (first) unsynced_begin_ = first_record;
  for (auto& [layer, place] : frames) unsynced_[layer] = std::move(place);
  for (const Attempt& attempt : attempts) attempts_[attempt.layer].add(attempt.event);
}

void Journal::append_bytes(std::span<const std::byte> bytes) {
  change_or_cut_back(end_, [&] { file_.write_at(bytes, end_); });
  end_ += std::ssize(bytes);
  if (unsynced_.empty()) unsynced_begin_ = end_;
}

void Journal::note_asked(const Asked& asked) {
  if (asked == this->asked() && !ending_) return;
  std::vector<std::byte> bytes;
  append_record(bytes, FrameKind::asked, asked);
  append_bytes(bytes);
  asked_ = asked;
  ending_.reset();
}

void Journal::note_ending(const Ending& ending) {
  std::vector<std::byte> bytes;
  append_record(bytes, FrameKind::ending, ending);
  append_bytes(bytes);
  ending_ = ending;
}

void Journal::sync() {
  auto written = std::exchange(unsynced_, {});
  change_or_cut_back(unsynced_begin_, [&] { file_.sync(); });
  unsynced_begin_ = end_;
  for (auto& [layer, place] : written) {
    frames_[layer] = std::move(place);
    attempts_.erase(layer);
  }
}

void Journal::append(std::span<const LayerRecord> records) {
  write(records, {});
  sync();
}

bool Journal::has(std::int64_t layer, std::span<const std::string> precisions) const {
  const auto found = frames_.find(layer);
  return found != frames_.end() && std::ranges::all_of(precisions, [&](const std::string& precision) {
           return std::ranges::find(found->second.precisions, precision) != found->second.precisions.end();
         });
}

AttemptTally Journal::attempts(std::int64_t layer) const {
  const auto found = attempts_.find(layer);
  return found == attempts_.end() ? AttemptTally{} : found->second;
}

void Journal::change_or_cut_back(std::int64_t end, const std::function<void()>& change) {
  if (!file_.is_at_its_path()) {
    throw Error(Fault::system, file_.path().string(),
                "it was removed while the run was under way, and what was finished with it");
  }
  try {
    change();
  } catch (const Error& error) {
    end_ = end;
    try {
      file_.truncate(end_);
    } catch (const Error&) {
      // What was written stays as a torn tail, which the next write overwrites or the next opening cuts off.
    }
    throw Error(error.fault(), error.where(), error.reason() + "; the layers finished before are kept");
  }
}

LayerRecord Journal::read(std::int64_t layer) const {
  const auto frame = frames_.find(layer);
  if (frame == frames_.end()) {
    throw Error(Fault::input, file_.path().string(), fmt::format("there is no record of layer {}", layer));
  }
  const Payload payload = read_payload(file_, frame->second.offset, versioned_);
  return from_bytes<LayerRecord>(payload.bytes, file_.path().string(), payload.version);
}

}  // namespace alphahill
