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

/// What two runs must have in common to share a journal: all that changes figures, and the layers' numbers.
std::vector<Setting> settings_of(const RunDescription& run) {
  std::vector<Setting> settings{{"model fingerprint", run.model_fingerprint},
                                {"--load-dtype", run.load_dtype},
                                {"--precisions", joined(run.precisions, ",")},
                                {"--k-frac", fmt::format("{}", run.k_frac)},
                                {"--share-tolerance", fmt::format("{}", run.share_tolerance)},
                                {"--filter-layers", run.filter_layers},
                                {"number of layers", std::to_string(run.layers.size())}};
  for (std::size_t i = 0; i < run.layers.size(); ++i) {
    const LayerRow& layer = run.layers[i];
    settings.push_back(
        {fmt::format("layer {}", i + 1),
         fmt::format("{} ({}, {}x{}, {} values, {} in {})", layer.name, layer.category, layer.out_features,
                     layer.in_features, layer.numel, layer.stored_dtype, layer.source_file)});
  }
  return settings;
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

}  // namespace

void AttemptTally::add(AttemptEvent event) {
  unexplained += event == AttemptEvent::begun ? 1 : -1;
  blamed += event == AttemptEvent::blamed ? 1 : 0;
}

Journal::Journal(std::optional<RunLock> lock, File file, JournalContents contents)
    : lock_(std::move(lock)),
      file_(std::move(file)),
      run_(*std::move(contents.run)),
      frames_(std::move(contents.frames)),
      attempts_(std::move(contents.attempts)),
      end_(contents.end),
      unsynced_begin_(contents.end) {}

Journal Journal::begin(RunLock lock, File file, const RunDescription& run) {
  file.truncate(0);
  const auto magic = std::as_bytes(std::span(journal_magic));
  std::vector<std::byte> bytes(magic.begin(), magic.end());
  append_frame(bytes, FrameKind::run, to_bytes(run));
  file.write_at(bytes, 0);
  file.sync();
  sync_folder_of(file.path());
  return {
      std::move(lock), std::move(file), {.run = run, .frames = {}, .attempts = {}, .end = std::ssize(bytes)}};
}

Journal Journal::open_or_resume(const std::filesystem::path& path, const RunDescription& run) {
  RunLock lock = RunLock::take_beside(path);
  File file = File::open_or_create(path);
  JournalContents contents = scan_journal(file);
  if (!contents.run) return begin(std::move(lock), std::move(file), run);
  require_same_settings(run, *contents.run, path.string());
  if (run.version != contents.run->version) {
    spdlog::warn("{}: begun by version {}, going on with {}", printable(path.string()),
                 printable(contents.run->version), printable(run.version));
  }
  if (const std::int64_t torn = file.size() - contents.end; torn > 0) {
    spdlog::warn(
        "{}: the last {} bytes, from byte {} on, are no whole record: cut off; its layer is computed again",
        printable(path.string()), torn, contents.end);
    file.truncate(contents.end);
  }
  return {std::move(lock), std::move(file), std::move(contents)};
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
  for (const Attempt& attempt : attempts) append_frame(bytes, FrameKind::attempt, to_bytes(attempt));
  const std::int64_t first_record = end_ + std::ssize(bytes);
  std::vector<std::pair<std::int64_t, std::int64_t>> frames;
  for (const LayerRecord& record : records) {
    if (record.layer < 1 || record.layer > std::ssize(run_.layers)) {
      throw Error(Fault::internal, file_.path().string(), fmt::format("there is no layer {}", record.layer));
    }
    frames.emplace_back(record.layer, end_ + std::ssize(bytes));
    append_frame(bytes, FrameKind::layer, to_bytes(record));
  }
  change_or_cut_back(end_, [&] { file_.write_at(bytes, end_); });
  if (unsynced_.empty()) unsynced_begin_ = first_record;
  end_ += std::ssize(bytes);
  for (const auto& [layer, offset] : frames) unsynced_[layer] = offset;
  for (const Attempt& attempt : attempts) attempts_[attempt.layer].add(attempt.event);
}

void Journal::sync() {
  const auto written = std::exchange(unsynced_, {});
  change_or_cut_back(unsynced_begin_, [&] { file_.sync(); });
  unsynced_begin_ = end_;
  for (const auto& [layer, offset] : written) frames_[layer] = offset;
}

void Journal::append(std::span<const LayerRecord> records) {
  write(records, {});
  sync();
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
  return from_bytes<LayerRecord>(read_payload(file_, frame->second), file_.path().string());
}

}  // namespace alphahill
