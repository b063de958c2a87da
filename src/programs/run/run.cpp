#include "programs/run/run.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>

#include "alphahill/analysis/layer_record.hpp"
#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/environment.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/missing_figures.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/runtime/calibration.hpp"
#include "alphahill/runtime/crash_note.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "alphahill/runtime/launcher.hpp"
#include "alphahill/schedule/prediction.hpp"
#include "programs/command_line/exit_codes.hpp"
#include "programs/command_line/version.hpp"

namespace alphahill {

namespace {

LayerRow row_of(const Catalog& catalog, const Layer& layer) {
  return {.name = layer.name,
          .category = layer.category,
          .out_features = layer.out_features,
          .in_features = layer.in_features,
          .numel = layer.numel(),
          .stored_dtype = layer.stored_dtype,
          .source_file = catalog.files.at(static_cast<std::size_t>(first_file(layer.layout))).name,
          .stored_as = layer.stored_as(),
          .bits_per_weight = layer.unsupported() == nullptr ? layer.bits_per_weight() : no_figure,
          .dequantized = layer.dequantized(),
          .predicts_further_tokens = layer.predicts_further_tokens};
}

std::vector<std::string> precision_names_of(const Options& options) {
  std::vector<std::string> names;
  for (const Precision& precision : options.settings.precisions) names.emplace_back(precision.name);
  return names;
}

/// @param wanted  of the layers
RunDescription describe(const Options& options, const Catalog& catalog, const std::vector<bool>& wanted) {
  RunDescription run{.model = options.model,
                     .model_fingerprint = catalog.fingerprint,
                     .load_dtype = std::string(name_of(options.settings.load)),
                     .precisions = precision_names_of(options),
                     .k_frac = options.settings.k_fraction,
                     .share_tolerance = options.settings.share_tolerance,
                     .filter_layers = options.filter_layers,
                     .version = version_text(),
                     .host = host_name(),
                     .layers = {}};
  for (std::size_t i = 0; i < catalog.layers.size(); ++i) {
    if (wanted[i]) run.layers.push_back(row_of(catalog, catalog.layers[i]));
  }
  return run;
}

/// All that the model has, also what is not asked for: what an earlier run computed stays in the journal.
Catalog whole_catalog_of(const Options& options) {
  constexpr bool include_mtp = true;
  return open_catalog(find_model(options.model, options.revision), "", include_mtp, options.allow_unmerged);
}

std::filesystem::path journal_of(const Options& options) {
  return options.report.output_dir / journal_name;
}

/// @param catalog  all layers of the model
RunRequest request_of(const Options& options, const Catalog& catalog, const std::vector<bool>& wanted) {
  const std::vector<bool> all(catalog.layers.size(), true);
  return {describe(options, catalog, wanted), describe(options, catalog, all).layers, options.include_mtp};
}

/// @param catalog  all layers of the model
Journal open_journal(const Options& options, const Catalog& catalog, const std::vector<bool>& wanted) {
  const std::filesystem::path& folder = options.report.output_dir;
  create_folders(folder);
  const RunRequest request = request_of(options, catalog, wanted);
  Journal journal = options.restart ? Journal::restart(journal_of(options), request)
                                    : Journal::open_or_resume(journal_of(options), request);
  if (!options.restart && !journal.replaces_another()) return journal;
  best_effort([&] { take_crash_notes(folder); }, "notes of crashes before this run may count against layers");
  std::filesystem::remove(folder / results_name);
  remove_report(folder);
  return journal;
}

bool any_begun(const Journal& journal) {
  for (std::int64_t layer = 1; layer <= std::ssize(journal.run().layers); ++layer) {
    if (journal.attempts(layer).unexplained > 0) return true;
  }
  return false;
}

/// A crash of the last run that fatal signals explain: they count against the layers that were struck, and the
/// others that were begun are released. Notes where none was begun are of another run.
void enter_crash_notes(const std::filesystem::path& folder, std::span<const std::string> precisions,
                       Journal& journal) {
  std::vector<Attempt> attempts;
  const auto layers = std::ssize(journal.run().layers);
  std::vector<std::int64_t> noted;
  best_effort([&] { noted = take_crash_notes(folder); },
              "crashes of earlier runs are not counted against their layers");
  if (!any_begun(journal)) noted.clear();
  std::erase_if(noted, [&](std::int64_t layer) { return layer < 1 || layer > layers; });
  for (const std::int64_t layer : noted) attempts.push_back({layer, AttemptEvent::crash});
  for (std::int64_t layer = 1; !noted.empty() && layer <= layers; ++layer) {
    const bool begun = !journal.has(layer, precisions) && journal.attempts(layer).unexplained > 0;
    if (begun && std::ranges::find(noted, layer) == noted.end())
      attempts.push_back({layer, AttemptEvent::released});
  }
  if (!attempts.empty()) journal.note(attempts);
}

/// Why a layer is not to be computed.
struct LeftOut {
  Status status;
  std::string reason;
};

/// For good: whatever the machine, the next run would leave it out too.
std::optional<LeftOut> left_out(const Layer& layer, AttemptTally attempts) {
  constexpr std::int64_t most_crashes = 2;
  constexpr std::int64_t most_unexplained = 3;
  if (layer.unsupported() != nullptr) return LeftOut{Status::unsupported, *layer.unsupported()};
  if (attempts.crashes >= most_crashes) return LeftOut{Status::failed, "crashed the run twice"};
  if (attempts.unexplained >= most_unexplained) {
    return LeftOut{Status::failed, "was being computed three times when the run was killed"};
  }
  return std::nullopt;
}

/// For this run only.
std::optional<LeftOut> too_large(const Layer& layer, const BlockLayout& ranks, std::int64_t memory_per_rank) {
  if (smallest_team(layer, ranks, memory_per_rank - program_bytes)) return std::nullopt;
  const std::int64_t needed = bytes_needed(layer, 1) + program_bytes;
  return LeftOut{Status::failed, fmt::format("needs {} of memory, a rank has {} (--memory-per-rank)",
                                             human_bytes(static_cast<double>(needed)),
                                             human_bytes(static_cast<double>(memory_per_rank)))};
}

/// The records of layers that are still to be done and that `why` gives a reason to leave out.
template <class Why>
std::vector<LayerRecord> records_left_out(const Run& run, Why why) {
  std::vector<LayerRecord> records;
  for (std::int64_t number = 1; number <= std::ssize(run.catalog.layers); ++number) {
    if (!run.is_wanted(number) || run.is_done(number)) continue;
    const std::optional<LeftOut> reason =
        why(number, run.catalog.layers[static_cast<std::size_t>(number - 1)]);
    if (!reason) continue;
    records.push_back(record_without_figures(number, run.options.settings, reason->status, reason->reason));
  }
  return records;
}

/// Attempts are kept behind the record that they explain: later runs leave the layer out by them.
void record_layers_left_out(Run& run) {
  const auto records = records_left_out(run, [&](std::int64_t number, const Layer& layer) {
    return left_out(layer, run.journal.attempts(number));
  });
  std::vector<Attempt> attempts;
  for (const LayerRecord& record : records) {
    const auto at_layer = run.journal.attempts(record.layer).attempts_at(record.layer);
    attempts.insert(attempts.end(), at_layer.begin(), at_layer.end());
  }
  if (!records.empty()) run.journal.append(with_stored(run.journal, records));
  if (!attempts.empty()) run.journal.note(attempts);
}

/// Layers whose computation failed, for lack of memory or since their figures did not add up, and those that an
/// earlier version could not analyse, are computed again.
void reconsider_layers(Run& run) {
  std::int64_t again = 0;
  for (std::int64_t number = 1; number <= std::ssize(run.catalog.layers); ++number) {
    const Layer& layer = run.catalog.layers[static_cast<std::size_t>(number - 1)];
    if (!run.is_wanted(number) || left_out(layer, run.journal.attempts(number))) continue;
    const bool failed = run.journal.reconsider(number, run.precisions, Status::failed);
    const bool unsupported = run.journal.reconsider(number, run.precisions, Status::unsupported);
    again += failed || unsupported ? 1 : 0;
  }
  if (again > 0) {
    spdlog::info("tried again: {} without a figure, since the computation failed or was not supported",
                 counted(again, "layer"));
  }
}

std::map<std::int64_t, LayerRecord> records_too_large(const Run& run, std::int64_t memory_per_rank) {
  std::map<std::int64_t, LayerRecord> records;
  for (LayerRecord& record : records_left_out(run, [&](std::int64_t, const Layer& layer) {
         return too_large(layer, run.ranks, memory_per_rank);
       })) {
    records.emplace(record.layer, std::move(record));
  }
  return records;
}

MissingFigures missing_figures_of(const Run& run) {
  MissingFigures missing;
  const ResultsFile file = ResultsFile::open(run.results_file());
  for (const ResultRow& row : file.results()) {
    const bool asked_for = std::ranges::find(run.precisions, row.precision) != run.precisions.end();
    if (asked_for && run.is_wanted(row.layer)) missing.add(row);
  }
  return missing;
}

/// @throws Error(input) where no layer has a figure
void report_missing_figures(const MissingFigures& missing, const Run& run) {
  if (missing.layers() == 0) return;
  if (missing.any_figure()) {
    spdlog::warn("without a figure at one precision or more: {} of {}; status and reason are in {}",
                 missing.layers(), counted(run.layers(), "layer"), printable(run.results_file().string()));
    return;
  }
  const MissingReason commonest = missing.by_reason().front();
  throw Error(Fault::input, run.results_file().string(),
              fmt::format("no layer has a figure; {} of {}: {}", commonest.layers.size(),
                          counted(run.layers(), "layer"), commonest.text()));
}

void warn_of_early_stop(const Run& run) {
  spdlog::warn("stopped early: {} of {} done; run the same command again to go on", run.done(),
               counted(run.layers(), "layer"));
  if (!place_by_launcher().launched) return;
  spdlog::warn(
      "what the launcher says next of an aborted job is expected: exit code {} stands for stopped early",
      exit_stopped_early);
}

/// Which layers of the catalog the journal is about.
std::vector<bool> layers_in(const Journal& journal, const Catalog& catalog) {
  std::set<std::string_view> names;
  for (const LayerRow& layer : journal.run().layers) names.insert(layer.name);
  std::vector<bool> in;
  for (const Layer& layer : catalog.layers) in.push_back(names.contains(layer.name));
  return in;
}

}  // namespace

Catalog catalog_of(const Options& options) {
  return open_catalog(find_model(options.model, options.revision), options.filter_layers, options.include_mtp,
                      options.allow_unmerged);
}

std::set<std::string> finished_layers(const Options& options) {
  if (options.restart || !std::filesystem::exists(journal_of(options))) return {};
  const Catalog model = whole_catalog_of(options);
  const std::vector<bool> wanted = kept_layers(model, options.filter_layers, options.include_mtp);
  std::optional<Journal> journal =
      Journal::find_resumable(journal_of(options), request_of(options, model, wanted));
  if (!journal) return {};
  std::set<std::string> finished;
  const std::vector<std::string> precisions = precision_names_of(options);
  for (std::int64_t number = 1; number <= std::ssize(journal->run().layers); ++number) {
    journal->reconsider(number, precisions, Status::failed);
    journal->reconsider(number, precisions, Status::unsupported);
    if (journal->has(number, precisions))
      finished.insert(journal->run().layers[static_cast<std::size_t>(number - 1)].name);
  }
  return finished;
}

CostModel measured_cost(const Catalog& catalog, const AnalysisSettings& settings) {
  constexpr double worth_measuring_seconds = 30;
  CostModel usual(usual_rates());
  std::int64_t largest_order = 0;
  double expected_seconds = 0;
  for (const Layer& layer : catalog.layers) {
    const LayerShape shape = shape_of(layer, settings);
    largest_order = std::max(largest_order, shape.order);
    expected_seconds += usual.work(shape, 1);
  }
  if (expected_seconds < worth_measuring_seconds) return usual;
  return CostModel(measured_rates(largest_order));
}

namespace {

int largest_team(const Prediction& prediction) {
  int largest = 1;
  for (const auto& [layer, size] : prediction.team_sizes) largest = std::max(largest, size);
  return largest;
}

}  // namespace

bool Run::is_done(std::int64_t layer) const {
  return journal.has(layer, precisions) || too_large.contains(layer);
}

std::int64_t Run::done() const {
  std::int64_t done = 0;
  for (std::int64_t layer = 1; layer <= std::ssize(catalog.layers); ++layer) {
    done += is_wanted(layer) && journal.has(layer, precisions) ? 1 : 0;
  }
  return done;
}

std::vector<LayerRecord> with_stored(const Journal& journal, std::span<const LayerRecord> records) {
  std::vector<LayerRecord> all;
  for (const LayerRecord& record : records) {
    const bool has_earlier = journal.has(record.layer);
    all.push_back(has_earlier ? merged(journal.read(record.layer), record, journal.run().precisions)
                              : record);
  }
  return all;
}

Run prepare_run(const Options& options, const BlockLayout& ranks, std::int64_t memory_per_rank,
                std::vector<double> speeds) {
  Catalog model = whole_catalog_of(options);
  const std::vector<bool> wanted = kept_layers(model, options.filter_layers, options.include_mtp);
  Journal journal = open_journal(options, model, wanted);
  const std::vector<bool> in_journal = layers_in(journal, model);
  Run run{.options = options,
          .precisions = precision_names_of(options),
          .catalog = with_layers(std::move(model), in_journal),
          .wanted = {},
          .journal = std::move(journal),
          .cost = CostModel(usual_rates()),
          .ranks = ranks,
          .plan = {},
          .too_large = {}};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (in_journal[i]) run.wanted.push_back(wanted[i]);
  }
  reconsider_layers(run);
  enter_crash_notes(options.report.output_dir, run.precisions, run.journal);
  record_layers_left_out(run);
  run.too_large = records_too_large(run, memory_per_rank);
  const auto state = [&](std::int64_t layer) {
    if (!run.is_wanted(layer) || run.is_done(layer)) return LayerState::finished;
    const AttemptTally attempts = run.journal.attempts(layer);
    return attempts.unexplained + attempts.crashes > 0 ? LayerState::suspect : LayerState::waiting;
  };
  run.cost = measured_cost(run.catalog, options.settings);
  run.plan = make_plan(run.catalog, options.settings, ranks, memory_per_rank - program_bytes, state);
  run.plan.speeds = std::move(speeds);
  run.plan = with_end(std::move(run.plan), run.cost, ranks);
  best_effort([&] { run.ranks.largest_size = largest_team(predict(run.plan, run.cost, ranks)); },
              "the largest team of ranks is not predicted: any that there may be is assumed");
  return run;
}

void write_results_of(const Run& run) {
  const auto record_of = [&](std::int64_t layer) -> std::optional<LayerRecord> {
    const auto left_out = run.too_large.find(layer);
    if (left_out != run.too_large.end())
      return with_stored(run.journal, std::span(&left_out->second, 1)).front();
    return run.journal.has(layer) ? std::optional(run.journal.read(layer)) : std::nullopt;
  };
  write_results(run.results_file(), run.journal.run(), run.journal.asked(), record_of);
}

int finish_run(const Run& run) {
  write_results_of(run);
  if (!run.complete()) {
    warn_of_early_stop(run);
    return exit_stopped_early;
  }
  fmt::print("Results: {}\n", run.results_file().string());
  if (run.options.write_report) print_report(run.results_file(), run.options.report);
  report_other_tensors(run.catalog.others);
  MissingFigures missing;
  best_effort([&] { missing = missing_figures_of(run); }, "layers without a figure are not counted");
  report_missing_figures(missing, run);
  return exit_complete;
}

}  // namespace alphahill
