#include "alphahill/cluster/worker.hpp"

#include <chrono>
#include <utility>

#include "alphahill/cluster/crash_note.hpp"

namespace alphahill {

namespace {

using Clock = std::chrono::steady_clock;

/// What a crash may cost of layers that are finished.
constexpr std::chrono::seconds longest_silence{1};

Report run_failure(Fault fault, std::string where, std::string reason) {
  return {.records = {},
          .run_failed = true,
          .fault = fault,
          .where = std::move(where),
          .reason = std::move(reason)};
}

/// What one layer has to report, whatever happens.
Report reported(int rank, std::int64_t layer, int team_size, const ComputeLayer& compute) {
  computing_layer(layer);
  Report report;
  try {
    report.records.push_back(compute(layer, team_size));
  } catch (const Error& error) {
    report = run_failure(error.fault(), error.where(), error.reason());
  } catch (const std::exception& error) {
    report = run_failure(Fault::internal, "rank " + std::to_string(rank), error.what());
  }
  computing_layer(0);
  return report;
}

/// Layers of one assignment. Records are reported together, but not much later than they are there.
void work_on(const Assignment& assignment, const ComputeLayer& compute, int rank,
             const CoordinatorLine& line) {
  std::vector<LayerRecord> records;
  auto reported_at = Clock::now();
  for (const std::int64_t layer : assignment.layers) {
    Report report = reported(rank, layer, assignment.team_size, compute);
    for (LayerRecord& record : report.records) records.push_back(std::move(record));
    const bool last = report.run_failed || layer == assignment.layers.back();
    if (!last && Clock::now() - reported_at < longest_silence) continue;
    report.records = std::exchange(records, {});
    line.send(report);
    reported_at = Clock::now();
    if (report.run_failed) return;
  }
}

}  // namespace

void work(const ComputeLayer& compute, int rank, const CoordinatorLine& line) {
  for (Assignment next = line.receive(); !next.layers.empty(); next = line.receive()) {
    work_on(next, compute, rank, line);
  }
}

}  // namespace alphahill
