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
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/runtime/calibration.hpp"
#include "alphahill/runtime/crash_note.hpp"
#include "alphahill/runtime/job_limits.hpp"
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
          .source_file = catalog.files.at(static_cast<std::size_t>(first_file(layer.layout))).name};
}

RunDescription describe(const Options& options, const Catalog& catalog) {
  RunDescription run{.model = options.model,
                     .model_fingerprint = catalog.fingerprint,
                     .load_dtype = std::string(name_of(options.settings.load)),
                     .precisions = {},
                     .k_frac = options.settings.k_fraction,
                     .share_tolerance = options.settings.share_tolerance,
                     .filter_layers = options.filter_layers,
                     .version = version_text(),
                     .host = host_name(),
                     .layers = {}};
  for (const Precision& precision : options.settings.precisions) run.precisions.emplace_back(precision.name);
  for (const Layer& layer : catalog.layers) run.layers.push_back(row_of(catalog, layer));
  return run;
}

Journal open_journal(const Options& options, const Catalog& catalog) {
  create_folders(options.report.output_dir);
  const auto path = options.report.output_dir / journal_name;
  const RunDescription run = describe(options, catalog);
  if (!options.restart) return Journal::open_or_resume(path, run);
  Journal journal = Journal::restart(path, run);
  best_effort([&] { take_crash_notes(options.report.output_dir); },
              "notes of crashes before --restart may count against layers");
  std::filesystem::remove(options.report.output_dir / "alpha_hill.h5");
  remove_report(options.report.output_dir);
  return journal;
}

/// A crash of the last run that fatal signals explain: the layers that they struck are to blame, and the
/// others that were under way are not.
void enter_crash_notes(const std::filesystem::path& folder, Journal& journal) {
  std::vector<Attempt> attempts;
  const auto layers = std::ssize(journal.run().layers);
  std::vector<std::int64_t> noted;
  best_effort([&] { noted = take_crash_notes(folder); },
              "crashes of earlier runs are not counted against their layers");
  std::erase_if(noted, [&](std::int64_t layer) { return layer < 1 || layer > layers; });
  for (const std::int64_t layer : noted) attempts.push_back({layer, AttemptEvent::blamed});
  for (std::int64_t layer = 1; !noted.empty() && layer <= layers; ++layer) {
    const bool under_way = !journal.has(layer) && journal.attempts(layer).unexplained > 0;
    if (under_way && std::ranges::find(noted, layer) == noted.end())
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
  constexpr std::int64_t most_blamed = 2;
  constexpr std::int64_t most_unexplained = 3;
  if (layer.unsupported() != nullptr) return LeftOut{Status::unsupported, *layer.unsupported()};
  if (attempts.blamed >= most_blamed) return LeftOut{Status::failed, "brought the run down twice"};
  if (attempts.unexplained >= most_unexplained) {
    return LeftOut{Status::failed, "was under way three times when the run was killed"};
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

/// The records of layers that `why` gives a reason to leave out.
template <class Why>
std::vector<LayerRecord> records_left_out(const Catalog& catalog, const AnalysisSettings& settings,
                                          const Journal& journal, Why why) {
  std::vector<LayerRecord> records;
  for (std::int64_t number = 1; number <= std::ssize(catalog.layers); ++number) {
    if (journal.has(number)) continue;
    const std::optional<LeftOut> reason = why(number, catalog.layers[static_cast<std::size_t>(number - 1)]);
    if (reason) records.push_back(record_without_figures(number, settings, reason->status, reason->reason));
  }
  return records;
}

void record_layers_left_out(const Catalog& catalog, const AnalysisSettings& settings, Journal& journal) {
  const auto records = records_left_out(
      catalog, settings, journal,
      [&](std::int64_t number, const Layer& layer) { return left_out(layer, journal.attempts(number)); });
  if (!records.empty()) journal.append(records);
}

std::map<std::int64_t, LayerRecord> records_too_large(const Catalog& catalog,
                                                      const AnalysisSettings& settings,
                                                      const Journal& journal, const BlockLayout& ranks,
                                                      std::int64_t memory_per_rank) {
  std::map<std::int64_t, LayerRecord> records;
  for (LayerRecord& record : records_left_out(
           catalog, settings, journal,
           [&](std::int64_t, const Layer& layer) { return too_large(layer, ranks, memory_per_rank); })) {
    records.emplace(record.layer, std::move(record));
  }
  return records;
}

void warn_of_missing_figures(const std::filesystem::path& results_file) {
  const ResultsFile results = ResultsFile::open(results_file);
  std::set<std::int64_t> layers;
  for (const ResultRow& row : results.results()) {
    if (row.status != Status::ok) layers.insert(row.layer);
  }
  if (layers.empty()) return;
  spdlog::warn("{} of {} layers have no figure at one precision or more: status and reason are in {}",
               layers.size(), results.run().layers.size(), printable(results_file.string()));
}

}  // namespace

Catalog catalog_of(const Options& options) {
  return open_catalog(find_model(options.model, options.revision), options.filter_layers);
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

int largest_team(const Prediction& prediction) {
  int largest = 1;
  for (const auto& [layer, size] : prediction.team_sizes) largest = std::max(largest, size);
  return largest;
}

Run prepare_run(const Options& options, const BlockLayout& ranks, std::int64_t memory_per_rank,
                std::vector<double> speeds) {
  Catalog catalog = catalog_of(options);
  Journal journal = open_journal(options, catalog);
  enter_crash_notes(options.report.output_dir, journal);
  record_layers_left_out(catalog, options.settings, journal);
  auto too_large = records_too_large(catalog, options.settings, journal, ranks, memory_per_rank);
  const auto state = [&](std::int64_t layer) {
    if (journal.has(layer) || too_large.contains(layer)) return LayerState::finished;
    const AttemptTally attempts = journal.attempts(layer);
    return attempts.unexplained + attempts.blamed > 0 ? LayerState::suspect : LayerState::waiting;
  };
  CostModel cost = measured_cost(catalog, options.settings);
  Plan plan = make_plan(catalog, options.settings, ranks, memory_per_rank - program_bytes, state);
  plan.speeds = std::move(speeds);
  plan = with_end(std::move(plan), cost, ranks);
  BlockLayout used = ranks;
  best_effort([&] { used.largest_size = largest_team(predict(plan, cost, ranks)); },
              "the largest team of ranks is not predicted: any that there may be is assumed");
  return {options, std::move(catalog), std::move(journal), std::move(cost), used, plan, std::move(too_large)};
}

void write_results_of(const Run& run) {
  write_results(run.results_file(), run.journal.run(), [&](std::int64_t layer) -> std::optional<LayerRecord> {
    if (run.journal.has(layer)) return run.journal.read(layer);
    const auto left_out = run.too_large.find(layer);
    return left_out == run.too_large.end() ? std::nullopt : std::optional(left_out->second);
  });
}

int finish_run(const Run& run) {
  write_results_of(run);
  if (!run.complete()) {
    spdlog::warn("stopped early: {} of {} layers are done; run the same command again to go on",
                 run.journal.finished(), run.layers());
    return exit_stopped_early;
  }
  fmt::print("Results: {}\n", run.results_file().string());
  if (run.options.write_report) print_report(run.results_file(), run.options.report);
  best_effort([&] { warn_of_missing_figures(run.results_file()); },
              "layers without a figure are not counted");
  return exit_complete;
}

}  // namespace alphahill
