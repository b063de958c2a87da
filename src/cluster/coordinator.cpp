#include "alphahill/cluster/coordinator.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace alphahill {

namespace {

constexpr std::chrono::milliseconds longest_wait{100};

}  // namespace

Coordinator::Coordinator(const Plan& plan, const Catalog& catalog, const AnalysisSettings& settings,
                         Crew& crew, std::function<void(std::span<const LayerRecord>)> keep,
                         std::function<bool()> interrupted)
    : plan_(plan),
      catalog_(catalog),
      settings_(settings),
      crew_(crew),
      keep_(std::move(keep)),
      interrupted_(std::move(interrupted)),
      progress_("layers", static_cast<std::int64_t>(plan.layers.size()), plan.flops) {}

std::optional<Error> Coordinator::run() {
  for (int rank = 0; rank < crew_.size(); ++rank) hand_out(rank);
  while (under_way_ > 0) {
    take_in(crew_.arrivals(longest_wait));
    if (stopping() && !std::exchange(stop_announced_, true)) {
      spdlog::warn("stopping: {} layers under way are finished first", under_way_);
    }
  }
  return failure_;
}

bool Coordinator::stopping() const {
  return failure_ || interrupted_();
}

void Coordinator::hand_out(int rank) {
  const bool more = next_ < plan_.layers.size() && !stopping();
  crew_.assign(rank, {more ? plan_.layers[next_++].number : Assignment::no_more});
  if (more) ++under_way_;
}

void Coordinator::take_in(std::vector<Arrival> arrivals) {
  std::vector<LayerRecord> records;
  for (Arrival& arrival : arrivals) {
    Report& report = arrival.report;
    --under_way_;
    if (report.run_failed) {
      fail(Error(report.fault, report.where, report.reason));
    } else {
      records.push_back(std::move(report.record));
    }
    // The worker goes on before its record is on disk.
    hand_out(arrival.rank);
  }
  if (!records.empty()) keep_records(records);
}

void Coordinator::keep_records(std::span<const LayerRecord> records) {
  try {
    keep_(records);
  } catch (const Error& error) {
    return fail(error);
  }
  for (const LayerRecord& record : records) {
    const Layer& layer = catalog_.layers.at(static_cast<std::size_t>(record.layer - 1));
    progress_.advance(flops(layer, settings_), layer.name);
  }
}

void Coordinator::fail(const Error& error) {
  if (!failure_) failure_ = error;
}

}  // namespace alphahill
