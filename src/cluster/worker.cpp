#include "alphahill/cluster/worker.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "alphahill/cluster/crash_note.hpp"
#include "alphahill/cluster/mailbox.hpp"

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

void one_after_another(const Assignment& assignment, const ComputeLayer& compute, int rank,
                       const CoordinatorLine& line) {
  Reporter reporter(line);
  for (const std::int64_t layer : assignment.layers) {
    reporter.send_if_due();
    reporter.take(reported(rank, layer, assignment.team_size, compute));
    if (reporter.failed()) break;
  }
  reporter.send();
}

/// Each lane takes the next layer as it becomes free. After a failure no more are begun, and those under way
/// are finished before it is reported.
void side_by_side(const Assignment& assignment, const std::vector<ComputeLayer>& lanes, int rank,
                  const CoordinatorLine& line) {
  Mailbox<std::optional<Report>> done;  // nothing: a lane has come to its end
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::jthread> threads;
  for (const ComputeLayer& lane : lanes) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < assignment.layers.size() && !failed; i = next++) {
        Report report = reported(rank, assignment.layers[i], 1, lane);
        if (report.run_failed) failed = true;
        done.put(std::move(report));
      }
      done.put(std::nullopt);
    });
  }
  Reporter reporter(line);
  for (std::size_t ended = 0; ended < lanes.size();) {
    reporter.send_if_due();
    if (auto report = done.take()) {
      reporter.take(std::move(*report));
    } else {
      ++ended;
    }
  }
  reporter.send();
}

}  // namespace

void work(const std::vector<ComputeLayer>& lanes, int rank, const CoordinatorLine& line) {
  for (Assignment next = line.receive(); !next.layers.empty(); next = line.receive()) {
    if (lanes.size() == 1 || next.layers.size() == 1) {
      one_after_another(next, lanes.front(), rank, line);
    } else {
      side_by_side(next, lanes, rank, line);
    }
  }
}

}  // namespace alphahill
