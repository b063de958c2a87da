#include "simulation/simulated_run.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <random>

#include "alphahill/schedule/schedule.hpp"

namespace alphahill {

namespace {

/// A report on its way to the coordinator.
struct Report {
  double arrives;
  int rank;
  std::vector<LayerDone> done;

  bool operator>(const Report& other) const {
    return std::pair(arrives, rank) > std::pair(other.arrives, other.rank);
  }
};

}  // namespace

std::vector<double> speeds_of(int ranks, const Conditions& conditions) {
  std::mt19937_64 random(conditions.seed);
  std::uniform_real_distribution<double> speed(1 - conditions.speed_spread, 1 + conditions.speed_spread);
  std::vector<double> speeds(static_cast<std::size_t>(ranks));
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    const bool new_node = i % static_cast<std::size_t>(conditions.ranks_a_node) == 0;
    speeds[i] = new_node ? speed(random) : speeds[i - 1];
  }
  return speeds;
}

namespace {

/// The highest sum of values within a second.
class BusiestSecond {
 public:
  void add(double at, double value) {
    const double second = std::floor(at);
    if (second != second_) sum_ = 0;
    second_ = second;
    sum_ += value;
    most_ = std::max(most_, sum_);
  }
  double most() const { return most_; }

 private:
  double second_ = -1;
  double sum_ = 0;
  double most_ = 0;
};

class Simulation {
 public:
  Simulation(const Plan& plan, const CostModel& cost, const BlockLayout& ranks, const Conditions& conditions)
      : cost_(cost),
        conditions_(conditions),
        speeds_(speeds_of(ranks.ranks, conditions)),
        schedule_(plan, cost, ranks, {}) {}

  SimulatedRun run() && {
    dispatch();
    while (!reports_.empty() && std::max(now_, reports_.top().arrives) < conditions_.ends_at) {
      now_ = std::max(now_, reports_.top().arrives);
      const double begun = now_;
      receive();
      dispatch();
      now_ += conditions_.sync_seconds;
      run_.coordinator_seconds += now_ - begun;
    }
    return std::move(*this).end();
  }

 private:
  SimulatedRun end() && {
    run_.seconds = std::min(now_, conditions_.ends_at);
    run_.speed = conditions_.usual_speed * std::accumulate(speeds_.begin(), speeds_.end(), 0.0);
    run_.most_messages_a_second = messages_.most();
    run_.most_journal_bytes_a_second = journal_bytes_.most();
    for (const auto& [first, task] : schedule_.running()) {
      for (const PlannedLayer& layer : task.dispatch.layers) run_.running.insert(layer.number);
    }
    return std::move(run_);
  }

  void pass_message() {
    now_ += conditions_.message_seconds;
    ++run_.messages;
    messages_.add(now_, 1);
  }

  /// All reports that have arrived.
  void receive() {
    while (!reports_.empty() && reports_.top().arrives <= now_) {
      const Report report = reports_.top();
      reports_.pop();
      const auto& task = schedule_.task_of(report.rank).dispatch;
      if (report.rank == task.ranks.first) keep(task.layers);
      pass_message();
      schedule_.finish(report.rank, report.done, now_);
    }
  }

  void keep(const std::vector<PlannedLayer>& layers) {
    for (const PlannedLayer& layer : layers) {
      constexpr std::int64_t bytes_besides_the_spectrum = 800;
      run_.finished.insert(layer.number);
      journal_bytes_.add(now_, static_cast<double>(layer.shape.decompositions * layer.shape.order * 8 +
                                                   bytes_besides_the_spectrum));
    }
  }

  void dispatch() {
    for (const Dispatch& dispatch : schedule_.dispatch(now_)) {
      for (int rank = dispatch.ranks.first; rank < dispatch.ranks.end(); ++rank) pass_message();
      compute(dispatch);
    }
  }

  void compute(const Dispatch& dispatch) {
    const double speed = conditions_.usual_speed * speed_of(dispatch.ranks, speeds_);
    const double begins = now_ + conditions_.latency_seconds;
    Report leader{begins + conditions_.latency_seconds, dispatch.ranks.first, {}};
    for (const PlannedLayer& layer : dispatch.layers) {
      const double seconds = cost_.seconds(layer.shape, dispatch.ranks.size).leader / speed;
      leader.done.push_back({layer.number, seconds});
      leader.arrives += seconds;
    }
    reports_.push(std::move(leader));
    const PlannedLayer& layer = dispatch.layers.front();
    for (int rank = dispatch.ranks.first + 1; rank < dispatch.ranks.end(); ++rank) {
      const double seconds = cost_.seconds(layer.shape, dispatch.ranks.size).member / speed;
      reports_.push({begins + seconds + conditions_.latency_seconds, rank, {{layer.number, 0}}});
    }
  }

  const CostModel& cost_;
  const Conditions& conditions_;
  std::vector<double> speeds_;
  Schedule schedule_;
  std::priority_queue<Report, std::vector<Report>, std::greater<>> reports_;
  double now_ = 0;
  SimulatedRun run_;
  BusiestSecond messages_;
  BusiestSecond journal_bytes_;
};

}  // namespace

SimulatedRun simulate(const Plan& plan, const CostModel& cost, const BlockLayout& ranks,
                      const Conditions& conditions) {
  return Simulation(plan, cost, ranks, conditions).run();
}

}  // namespace alphahill
