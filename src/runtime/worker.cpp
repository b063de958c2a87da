#include "alphahill/runtime/worker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "alphahill/runtime/crash_note.hpp"

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

/// What layers have to report, whatever happens.
Report reported(int rank, std::span<const std::int64_t> layers, int team_size, const ComputeLayers& work) {
  const RunningLayers running(layers);
  std::vector<LayerRecord> finished;
  Report report;
  try {
    work.compute(layers, team_size, finished);
  } catch (const Error& error) {
    report = run_failure(error.fault(), error.where(), error.reason());
  } catch (const std::exception& error) {
    report = run_failure(Fault::internal, "rank " + std::to_string(rank), error.what());
  }
  report.records = std::move(finished);
  return report;
}

/// Reports records together, but not much later than they are there.
class Reporter {
 public:
  explicit Reporter(const CoordinatorLine& line) : line_(line) {}

  /// Keeps what a layer has to report, a failure to the end.
  void take(Report report) {
    for (LayerRecord& record : report.records) kept_.records.push_back(std::move(record));
    if (!report.run_failed) return;
    report.records = std::move(kept_.records);
    kept_ = std::move(report);
  }
  bool failed() const { return kept_.run_failed; }
  void send_if_due() {
    if (!failed() && Clock::now() - sent_at_ >= longest_silence) send();
  }
  void send() {
    if (kept_.records.empty() && !failed()) return;
    line_.send(std::exchange(kept_, {}));
    sent_at_ = Clock::now();
  }

 private:
  const CoordinatorLine& line_;
  Report kept_;
  Clock::time_point sent_at_ = Clock::now();
};

void carry_out(const Assignment& assignment, const ComputeLayers& layers, int rank,
               const CoordinatorLine& line) {
  Reporter reporter(line);
  for (std::span<const std::int64_t> left = assignment.layers; !left.empty() && !reporter.failed();) {
    const std::size_t count = std::min(left.size(), layers.most_at_once);
    reporter.send_if_due();
    reporter.take(reported(rank, left.first(count), assignment.team_size, layers));
    left = left.subspan(count);
  }
  reporter.send();
}

}  // namespace

void work(const ComputeLayers& layers, int rank, const CoordinatorLine& line) {
  for (Assignment next = line.receive(); !next.layers.empty(); next = line.receive()) {
    carry_out(next, layers, rank, line);
  }
}

}  // namespace alphahill
