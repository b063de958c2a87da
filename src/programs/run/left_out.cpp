#include "programs/run/left_out.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "alphahill/analysis/layer_record.hpp"
#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "programs/run/run_journal.hpp"

namespace alphahill {

namespace {

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

}  // namespace

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

std::optional<LeftOut> too_large(const Layer& layer, const AnalysisSettings& settings,
                                 const BlockLayout& ranks, std::int64_t memory_per_rank) {
  if (smallest_team(layer, settings, ranks, memory_per_rank - program_bytes)) return std::nullopt;
  const std::int64_t needed = bytes_needed(layer, settings, 1) + program_bytes;
  return LeftOut{Status::failed, fmt::format("needs {} of memory, a rank has {} (--memory-per-rank)",
                                             human_bytes(static_cast<double>(needed)),
                                             human_bytes(static_cast<double>(memory_per_rank)))};
}

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

void reconsider_layers(Run& run) {
  std::int64_t again = 0;
  for (std::int64_t number = 1; number <= std::ssize(run.catalog.layers); ++number) {
    const Layer& layer = run.catalog.layers[static_cast<std::size_t>(number - 1)];
    if (!run.is_wanted(number) || left_out(layer, run.journal.attempts(number))) continue;
    again += reconsider_layer(run.journal, number, run.options) ? 1 : 0;
  }
  if (again > 0) {
    spdlog::info("tried again: {} without a figure, since the computation failed or was not supported",
                 counted(again, "layer"));
  }
}

std::map<std::int64_t, LayerRecord> records_too_large(const Run& run, std::int64_t memory_per_rank) {
  std::map<std::int64_t, LayerRecord> records;
  for (LayerRecord& record : records_left_out(run, [&](std::int64_t, const Layer& layer) {
         return too_large(layer, run.options.settings, run.ranks, memory_per_rank);
       })) {
    records.emplace(record.layer, std::move(record));
  }
  return records;
}

}  // namespace alphahill
