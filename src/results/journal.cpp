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
};

/// What two runs must have in common to share a journal: all that changes figures.
std::vector<Setting> settings_of(const RunDescription& run) {
  return {{"--load-dtype", run.load_dtype},
          {"--k-frac", fmt::format("{}", run.k_frac)},
          {"--share-tolerance", fmt::format("{}", run.share_tolerance)},
          {"--fuse-scales", run.fuse_scales ? "on" : "off"}};
}

/// "a run whose --k-frac is '0.1', expected '0.2'"; empty where no setting differs.
std::string setting_difference(const RunDescription& theirs, const RunDescription& ours) {
  const auto wanted = settings_of(ours);
  const auto found = settings_of(theirs);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (found[i].value == wanted[i].value) continue;
    texts.push_back(
        fmt::format("{} is '{}', expected '{}'", wanted[i].name, found[i].value, wanted[i].value));
  }
  return texts.empty() ? "" : fmt::format("a run whose {}", joined(texts, ", and whose "));
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

bool has_computed(const RecordPlace& place) {
  return std::ranges::any_of(place.statuses, [](const auto& row) { return is_computed(row.second); });
}
bool has_figure(const RecordPlace& place) {
  return std::ranges::any_of(place.statuses, [](const auto& row) { return row.second == Status::ok; });
}
/// Is the layer's computation known to have come to an end?
bool has_computed(const JournalContents& contents, std::int64_t layer) {
  const auto found = contents.frames.find(layer);
  return found != contents.frames.end() && has_computed(found->second);
}

/// How a layer of a run differs from that of the model; empty where it does not.
std::string difference_of(const LayerRow& layer, const LayersByName& model) {
  const auto same = model.find(layer.name);
  if (same == model.end()) return fmt::format("it has a layer '{}', which this one lacks", layer.name);
  if (shape_text(*same->second) == shape_text(layer)) return {};
  return fmt::format("its layer '{}' is {}, here {}", layer.name, shape_text(layer),
                     shape_text(*same->second));
}

/// Where the model of a run differs from the one that is asked for; empty where no layer does.
/// @param same_files  other versions of this program may make other layers of them: then it matters for those that
/// are computed
std::string layer_difference(const JournalContents& contents, const std::vector<LayerRow>& model,
                             bool same_files) {
  const LayersByName ours = by_name(model);
  std::int64_t number = 0;
  for (const LayerRow& layer : contents.run->layers) {
    ++number;
    if (same_files && !has_computed(contents, number)) continue;
    if (std::string difference = difference_of(layer, ours); !difference.empty()) return difference;
  }
  return {};
}

/// What else may differ between models.
std::string difference_of_files(const JournalContents& contents, const std::vector<LayerRow>& model) {
  const LayersByName theirs = by_name(contents.run->layers);
  const auto is_there = [&](const LayerRow& layer) { return theirs.contains(layer.name); };
  const auto more = std::ranges::find_if_not(model, is_there);
  if (contents.run->filter_layers.empty() && more != model.end()) {
    return fmt::format("it lacks the layer '{}' of this one", more->name);
  }
  return "its config.json, headers or weights are others";
}

/// "a run of another model, 'a', not 'b': it has a layer 'c', which this one lacks"; empty where the models are
/// the same.
std::string model_difference(const RunRequest& request, const JournalContents& contents) {
  const RunDescription& theirs = *contents.run;
  const bool same_files = theirs.model_fingerprint == request.run.model_fingerprint;
  std::string difference = layer_difference(contents, request.model_layers, same_files);
  if (difference.empty() && same_files) return {};
  if (difference.empty()) difference = difference_of_files(contents, request.model_layers);
  const std::string models =
      theirs.model == request.run.model
          ? fmt::format("'{}' as it was before it changed", theirs.model)
          : fmt::format("another model, '{}', not '{}'", theirs.model, request.run.model);
  return fmt::format("a run of {}: {}", models, difference);
}

/// What the journal's run has not in common with the one that is asked for; empty where they can share it.
std::string run_difference(const RunRequest& request, const JournalContents& contents) {
  std::string difference = model_difference(request, contents);
  return difference.empty() ? setting_difference(*contents.run, request.run) : difference;
}

/// Whether a run goes on with the journal. It begins anew where there is none, and where that of another run
/// has no figure yet, which is logged.
/// @throws Error(input) where another run has a figure
bool is_resumable(const JournalContents& contents, const RunRequest& request,
                  const std::filesystem::path& path) {
  if (!contents.run) return false;
  const std::string difference = run_difference(request, contents);
  if (difference.empty()) return true;
  if (std::ranges::any_of(contents.frames, [](const auto& frame) { return has_figure(frame.second); })) {
    throw Error(Fault::input, path.string(),
                fmt::format("it belongs to {}; {}", difference, how_to_begin_anew));
  }
  spdlog::warn("{}: it belonged to {}; no layer of that has a figure: begun anew", printable(path.string()),
               printable_message(difference));
  return false;
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

bool have_same_layers(const RunDescription& one, const RunDescription& other) {
  return std::ranges::equal(one.layers, other.layers, [](const LayerRow& a, const LayerRow& b) {
    return a.name == b.name && shape_text(a) == shape_text(b);
  });
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
    const auto found = number_of.find(from.run().layers[static_cast<std::size_t>(layer - 1)].name);
    if (found == number_of.end()) continue;  // a layer that this version finds under other names
    const std::int64_t number = found->second;
    if (from.has(layer)) append_record(bytes, FrameKind::layer, renumbered(from.read(layer), number));
    for (const Attempt& attempt : from.attempts(layer).attempts_at(number)) {
      append_record(bytes, FrameKind::attempt, attempt);
    }
    append(bytes);
  }
}

}  // namespace

void AttemptTally::add(AttemptEvent event) {
  unexplained += event == AttemptEvent::begun ? 1 : -1;
  crashes += event == AttemptEvent::crash ? 1 : 0;
}

std::vector<Attempt> AttemptTally::attempts_at(std::int64_t layer) const {
  const auto begun = std::max<std::int64_t>(unexplained + crashes, 0);
  std::vector<Attempt> attempts(static_cast<std::size_t>(begun), {layer, AttemptEvent::begun});
  attempts.insert(attempts.end(), static_cast<std::size_t>(crashes), {layer, AttemptEvent::crash});
  return attempts;
}

RecordPlace place_of(const LayerRecord& record, std::int64_t offset) {
  RecordPlace place{.offset = offset, .statuses = {}};
  for (const ResultRow& row : record.results) place.statuses.emplace(row.precision, row.status);
  return place;
}

Asked RunRequest::asked() const {
  Asked asked{run.precisions, run.filter_layers, include_mtp, survey};
  std::erase_if(asked.precisions, [&](const std::string& precision) {
    return std::ranges::find(survey, precision) != survey.end();
  });
  return asked;
}

Journal::Journal(std::optional<RunLock> lock, File file, JournalContents contents)
    : lock_(std::move(lock)),
      file_(std::move(file)),
      run_(*std::move(contents.run)),
      frames_(std::move(contents.frames)),
      attempts_(std::move(contents.attempts)),
      asked_(std::move(contents.asked)),
      ending_(std::move(contents.ending)),
      last_run_begin_(contents.last_run_begin),
      end_(contents.end),
      unsynced_begin_(contents.end) {}

Journal Journal::begin(RunLock lock, File file, const RunRequest& request) {
  file.truncate(0);
  const auto magic = std::as_bytes(std::span(journal_magic));
  std::vector<std::byte> bytes(magic.begin(), magic.end());
  append_record(bytes, FrameKind::run, request.run);
  const Asked asked = request.asked();
  if (asked != everything_in(request.run)) append_record(bytes, FrameKind::asked, asked);
  file.write_at(bytes, 0);
  file.sync();
  sync_folder_of(file.path());
  return {std::move(lock),
          std::move(file),
          {.run = request.run, .frames = {}, .attempts = {}, .asked = asked, .end = std::ssize(bytes)}};
}

Journal Journal::open_or_resume(const std::filesystem::path& path, const RunRequest& request) {
  RunLock lock = RunLock::take_beside(path);
  File file = File::open_or_create(path);
  JournalContents contents = scan_journal(file);
  const auto resumed = [&](Journal journal) {
    journal.note_asked(request.asked());
    return journal;
  };
  if (!is_resumable(contents, request, path)) {
    Journal journal = begin(std::move(lock), std::move(file), request);
    journal.replaces_another_ = contents.run.has_value();
    return journal;
  }
  if (request.run.version != contents.run->version) {
    spdlog::warn("{}: begun by version {}, going on with {}", printable(path.string()),
                 printable(contents.run->version), printable(request.run.version));
  }
  const RunDescription run = extended(*contents.run, request);
  const bool same = contents.of_present_version && have_same_layers(run, *contents.run) &&
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

std::optional<Journal> Journal::find_resumable(const std::filesystem::path& path, const RunRequest& request) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  File file = File::open_for_reading(path);
  JournalContents contents = scan_journal(file);
  if (!is_resumable(contents, request, path)) return std::nullopt;
  return Journal(std::nullopt, std::move(file), std::move(contents));
}

Journal Journal::restart(const std::filesystem::path& path, const RunRequest& request) {
  RunLock lock = RunLock::take_beside(path);
  return begin(std::move(lock), File::open_or_create(path), request);
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
    frames[record.layer] = place_of(record, end_ + std::ssize(bytes));
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
  std::vector<std::byte> bytes;
  append_record(bytes, FrameKind::asked, asked);
  last_run_begin_ = end_;
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
           return found->second.statuses.contains(precision);
         });
}

bool Journal::is_of_last_run(std::int64_t layer) const {
  const auto found = frames_.find(layer);
  return found != frames_.end() && found->second.offset >= last_run_begin_;
}

bool Journal::reconsider(std::int64_t layer, std::span<const std::string> precisions, Status status) {
  const auto found = frames_.find(layer);
  if (found == frames_.end()) return false;
  auto& statuses = found->second.statuses;
  const bool has_it = std::ranges::any_of(precisions, [&](const std::string& precision) {
    const auto row = statuses.find(precision);
    return row != statuses.end() && row->second == status;
  });
  if (has_it) std::erase_if(statuses, [&](const auto& row) { return row.second == status; });
  return has_it;
}

AttemptTally Journal::attempts(std::int64_t layer) const {
  const auto found = attempts_.find(layer);
  return found == attempts_.end() ? AttemptTally{} : found->second;
}

void Journal::change_or_cut_back(std::int64_t end, const std::function<void()>& change) {
  if (!file_.is_at_its_path()) {
    throw Error(Fault::system, file_.path().string(),
                "it was removed while the run was in progress, and what was finished with it");
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
  const Payload payload = read_payload(file_, frame->second.offset);
  return from_bytes<LayerRecord>(payload.bytes, file_.path().string(), payload.version);
}

}  // namespace alphahill
