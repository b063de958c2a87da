#include "programs/run/run.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/runtime/calibration.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "alphahill/runtime/launcher.hpp"
#include "alphahill/schedule/prediction.hpp"
#include "programs/command_line/exit_codes.hpp"
#include "programs/run/left_out.hpp"
#include "programs/run/run_journal.hpp"

namespace alphahill {

namespace {

int largest_team(const Prediction& prediction) {
  int largest = 1;
  for (const auto& [layer, size] : prediction.team_sizes) largest = std::max(largest, size);
  return largest;
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
  throw no_figure_at_all(missing, run.layers(), run.results_file().string());
}

/// The model and the journal, with nothing decided yet.
Run open_run(const Options& options, const BlockLayout& ranks) {
  AskedModel model = open_model(options);
  Journal journal = open_journal(options, model);
  const std::vector<bool> in_journal = layers_in(journal, model.catalog);
  Run run{.options = options,
          .precisions = precision_names_of(options),
          .catalog = with_layers(std::move(model.catalog), in_journal),
          .wanted = {},
          .journal = std::move(journal),
          .cost = CostModel(usual_rates()),
          .ranks = ranks,
          .plan = {},
          .stored = {},
          .too_large = {}};
  for (std::size_t i = 0; i < in_journal.size(); ++i) {
    if (in_journal[i]) run.wanted.push_back(model.wanted[i]);
  }
  return run;
}

void warn_of_early_stop(const Run& run) {
  spdlog::warn("stopped early: {} of {} done; run the same command again to go on", run.done(),
               counted(run.layers(), "layer"));
  if (!place_by_launcher().launched) return;
  spdlog::warn(
      "what the launcher says next of an aborted job is expected: exit code {} stands for stopped early",
      exit_stopped_early);
}

}  // namespace

BlockLayout blocks_of(const Options& options, int ranks, bool thread_multiple) {
  return {.ranks = ranks,
          .first = thread_multiple ? 0 : 1,
          .largest_size = options.device.cuda ? 1 : options.largest_team.value_or(ranks)};
}

Error no_figure_at_all(const MissingFigures& missing, std::int64_t layers, const std::string& where) {
  const MissingReason commonest = missing.by_reason().front();
  return {Fault::input, where,
          fmt::format("no layer has a figure; {} of {}: {}", commonest.layers.size(),
                      counted(layers, "layer"), commonest.text())};
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
  Run run = open_run(options, ranks);
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
  for (std::int64_t layer = 1; layer <= std::ssize(run.catalog.layers); ++layer) {
    run.stored.push_back(stored_precisions(run.journal, layer, options));
  }
  run.plan =
      make_plan(run.catalog, options.settings, ranks, memory_per_rank - program_bytes, state, run.stored);
  run.plan.speeds = std::move(speeds);
  run.plan = with_end(std::move(run.plan), run.cost, ranks);
  best_effort([&] { run.ranks.largest_size = largest_team(predict(run.plan, run.cost, ranks)); },
              "the largest team of ranks is not predicted: any that there may be is assumed");
  return run;
}

void write_results_of(const Run& run, const std::vector<std::string>& metrics) {
  const auto record_of = [&](std::int64_t layer) -> std::optional<LayerRecord> {
    const auto without_memory = run.too_large.find(layer);
    if (without_memory != run.too_large.end())
      return with_stored(run.journal, std::span(&without_memory->second, 1)).front();
    return run.journal.has(layer) ? std::optional(run.journal.read(layer)) : std::nullopt;
  };
  write_results(run.results_file(), run.journal.run(), run.journal.asked(), record_of, metrics);
}

int finish_run(const Run& run) {
  const bool complete = run.complete();
  write_results_of(run, complete ? run.options.report.selection.metrics : std::vector<std::string>{});
  if (!complete) {
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
