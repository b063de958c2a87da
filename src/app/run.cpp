#include "alphahill/app/run.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <set>

#include "alphahill/app/alpha_hill.hpp"
#include "alphahill/app/version.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"
#include "alphahill/cluster/crash_note.hpp"
#include "alphahill/cluster/job_limits.hpp"
#include "alphahill/cluster/layer_record.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/store/results_file.hpp"

namespace alphahill {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

LayerRow row_of(const Catalog& catalog, const Layer& layer) {
  return {.name = layer.name,
          .category = layer.category,
          .out_features = layer.out_features,
          .in_features = layer.in_features,
          .numel = layer.numel(),
          .stored_dtype = layer.stored_dtype,
          .source_file = catalog.files.at(static_cast<std::size_t>(layer.file)).name};
}

RunDescription describe(const Options& options, const Catalog& catalog) {
  RunDescription run{.model = options.model,
                     .model_fingerprint = catalog.fingerprint,
                     .load_dtype = std::string(name_of(options.settings.load)),
                     .precisions = {},
                     .k_frac = options.settings.k_fraction,
                     .filter_layers = options.filter_layers,
                     .version = version_text(),
                     .host = host_name(),
                     .layers = {}};
  for (const Format precision : options.settings.precisions) run.precisions.emplace_back(name_of(precision));
  for (const Layer& layer : catalog.layers) run.layers.push_back(row_of(catalog, layer));
  return run;
}

Journal open_journal(const Options& options, const Catalog& catalog) {
  create_folders(options.report.output_dir);
  const auto path = options.report.output_dir / journal_name;
  const RunDescription run = describe(options, catalog);
  return options.restart ? Journal::restart(path, run) : Journal::open_or_resume(path, run);
}

/// Crashes of earlier runs that a fatal signal explains.
void enter_crash_notes(const std::filesystem::path& folder, Journal& journal) {
  std::vector<Attempt> attempts;
  for (const std::int64_t layer : take_crash_notes(folder)) attempts.push_back({layer, AttemptEvent::blamed});
  if (!attempts.empty()) journal.note(attempts);
}

/// Why a layer is not to be computed.
struct LeftOut {
  Status status;
  std::string reason;
};

std::optional<LeftOut> left_out(const Layer& layer, AttemptTally attempts, std::int64_t memory_per_rank) {
  constexpr std::int64_t most_blamed = 2;
  constexpr std::int64_t most_unexplained = 3;
  if (!layer.unsupported.empty()) return LeftOut{Status::unsupported, layer.unsupported};
  if (attempts.blamed >= most_blamed) return LeftOut{Status::failed, "brought the run down twice"};
  if (attempts.unexplained >= most_unexplained) {
    return LeftOut{Status::failed, "was under way three times when the run was killed"};
  }
  const std::int64_t needed = bytes_needed(layer) + program_bytes;
  if (needed <= memory_per_rank) return std::nullopt;
  return LeftOut{Status::failed, fmt::format("needs {} of memory, a rank has {} (--memory-per-rank)",
                                             human_bytes(static_cast<double>(needed)),
                                             human_bytes(static_cast<double>(memory_per_rank)))};
}

void record_layers_left_out(const Catalog& catalog, const AnalysisSettings& settings,
                            std::int64_t memory_per_rank, Journal& journal) {
  std::vector<LayerRecord> records;
  for (std::int64_t number = 1; number <= std::ssize(catalog.layers); ++number) {
    if (journal.has(number)) continue;
    const Layer& layer = catalog.layers[static_cast<std::size_t>(number - 1)];
    const auto why = left_out(layer, journal.attempts(number), memory_per_rank);
    if (why) records.push_back(record_without_figures(number, settings, why->status, why->reason));
  }
  if (!records.empty()) journal.append(records);
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

Run prepare_run(const Options& options, std::int64_t memory_per_rank) {
  make_backend(options.device);  // says here, not on the first layer, that a device is not there
  Catalog catalog = catalog_of(options);
  Journal journal = open_journal(options, catalog);
  enter_crash_notes(options.report.output_dir, journal);
  record_layers_left_out(catalog, options.settings, memory_per_rank, journal);
  Plan plan = make_plan(catalog, options.settings, [&](std::int64_t layer) { return journal.has(layer); });
  return {options, std::move(catalog), std::move(journal), std::move(plan)};
}

void write_results_of(const Run& run) {
  write_results(run.results_file(), run.journal);
}

void print_report(const std::filesystem::path& results_file, const ReportSettings& settings) {
  const ReportView view = open_view(results_file, settings.selection);
  const WrittenReport written = write_report(view, settings);
  fmt::print("{}{}", summary_text(view), written_text(written));
}

int finish_run(const Run& run) {
  write_results_of(run);
  if (!run.complete()) {
    spdlog::warn("stopped early: {} of {} layers are done; run the same command again to go on",
                 run.journal.finished(), run.layers());
    return exit_stopped_early;
  }
  if (run.options.write_report) print_report(run.results_file(), run.options.report);
  warn_of_missing_figures(run.results_file());
  return exit_complete;
}

}  // namespace alphahill
