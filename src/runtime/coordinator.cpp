#include "alphahill/runtime/coordinator.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::chrono::milliseconds longest_wait{100};

const std::string& name_of(const Catalog& catalog, std::int64_t layer) {
  return catalog.layers.at(static_cast<std::size_t>(layer - 1)).name;
}

std::vector<LayerDone> done_by(const Report& report) {
  std::vector<LayerDone> done;
  for (const LayerRecord& record : report.records) done.push_back({record.layer, seconds_of(record)});
  return done;
}

}  // namespace

Coordinator::Coordinator(const Catalog& catalog, Schedule schedule, WorkerPool& workers,
                         RunCallbacks callbacks, double grace_seconds, const DoneBefore& before)
    : catalog_(catalog),
      schedule_(std::move(schedule)),
      workers_(workers),
      callbacks_(std::move(callbacks)),
      grace_seconds_(grace_seconds),
      progress_("layers", before.items + schedule_.waiting() + before.left_out,
                before.work + schedule_.planned_work(), before),
      start_(std::chrono::steady_clock::now()) {}

double Coordinator::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

RunEnd Coordinator::run() {
  take_turn({});
  while (!schedule_.running().empty() && !grace_expired()) {
    auto arrivals = workers_.arrivals(longest_wait);
    if (!arrivals.empty()) take_turn(std::move(arrivals));
    if (callbacks_.stop_requested()) stop();
    watch_deadlines();
  }
  stop_workers();
  return end();
}

void Coordinator::stop_workers() {
  std::set<int> busy;
  for (const auto& [first, task] : schedule_.running()) busy.insert(task.busy.begin(), task.busy.end());
  for (int worker = 0; worker < workers_.size(); ++worker) {
    if (!busy.contains(worker)) workers_.assign(worker, {});
  }
}

RunEnd Coordinator::end() const {
  RunEnd end{failure_, !schedule_.running().empty(), {}};
  for (const std::int64_t layer : lost_layers_) end.interrupted.push_back({layer, AttemptEvent::released});
  for (const auto& [first, task] : schedule_.running()) {
    const auto& layers = task.dispatch.layers;
    const bool overdue = overdue_ == first;
    if (overdue && layers.size() > 1) continue;
    for (const PlannedLayer& layer : layers) {
      end.interrupted.push_back({layer.number, overdue ? AttemptEvent::crash : AttemptEvent::released});
    }
  }
  return end;
}

void Coordinator::stop() {
  if (stopping()) return;
  stopping_since_ = now();
  if (schedule_.running().empty()) return;
  std::int64_t layers = 0;
  for (const auto& [first, task] : schedule_.running()) layers += std::ssize(task.dispatch.layers);
  spdlog::warn("stopping: {} to finish {} that {} running", human_seconds(grace_seconds_),
               counted(layers, "layer"), layers == 1 ? "is" : "are");
}

bool Coordinator::grace_expired() const {
  return stopping() && now() - *stopping_since_ > grace_seconds_;
}

void Coordinator::take_turn(std::vector<Arrival> arrivals) {
  Turn turn;
  for (Arrival& arrival : arrivals) accept(std::move(arrival), turn);
  const auto dispatches = stopping() ? std::vector<Dispatch>{} : schedule_.dispatch(now());
  std::vector<std::int64_t> begun;
  for (const Dispatch& dispatch : dispatches) {
    for (const PlannedLayer& layer : dispatch.layers) begun.push_back(layer.number);
  }
  if (turn.records.empty() && begun.empty()) return;
  if (!call([&] { callbacks_.write(turn.records, begun); })) return withdraw(dispatches);
  send(dispatches);
  if (turn.records.empty() || !call([&] { callbacks_.sync(); })) return;
  progress_.advance(turn.work, name_of(catalog_, turn.records.back().layer), std::ssize(turn.records),
                    schedule_.seconds_left(now()));
}

void Coordinator::withdraw(const std::vector<Dispatch>& dispatches) {
  for (const Dispatch& dispatch : dispatches) {
    for (int rank = dispatch.ranks.end() - 1; rank >= dispatch.ranks.first; --rank) schedule_.mark_lost(rank);
  }
}

void Coordinator::send(const std::vector<Dispatch>& dispatches) {
  for (const Dispatch& dispatch : dispatches) {
    Assignment assignment{.layers = {}, .team_size = dispatch.ranks.size};
    for (const PlannedLayer& layer : dispatch.layers) assignment.layers.push_back(layer.number);
    for (int rank = dispatch.ranks.first; rank < dispatch.ranks.end(); ++rank)
      workers_.assign(rank, assignment);
  }
}

void Coordinator::accept(Arrival arrival, Turn& turn) {
  Report& report = arrival.report;
  turn.work += schedule_.finish(arrival.worker, done_by(report), now());
  if (report.run_failed) mark_lost(arrival.worker, Error(report.fault, report.where, report.reason));
  for (LayerRecord& record : report.records) {
    if (!record.results.empty()) turn.records.push_back(std::move(record));
  }
}

void Coordinator::mark_lost(int rank, const Error& error) {
  for (const PlannedLayer& layer : schedule_.task_of(rank).dispatch.layers) lost_layers_.insert(layer.number);
  schedule_.mark_lost(rank);
  fail(error);
}

bool Coordinator::call(const std::function<void()>& callback) {
  try {
    callback();
    return true;
  } catch (const Error& error) {
    fail(error);
    return false;
  }
}

void Coordinator::fail(const Error& error) {
  if (!failure_) failure_ = error;
  stop();
}

std::string Coordinator::late_text(const RunningTask& task) const {
  const auto& layers = task.dispatch.layers;
  const std::string first = name_of(catalog_, layers.front().number);
  const std::string which = layers.size() == 1 ? first
                                               : fmt::format("{} or one of {} with it", first,
                                                             counted(std::ssize(layers) - 1, "layer"));
  return fmt::format("{} is not done after {} (--layer-timeout)", which, human_seconds(now() - task.begun));
}

void Coordinator::watch_deadlines() {
  for (const auto& [first, task] : schedule_.running()) {
    if (overdue_ || now() <= task.deadline) continue;
    overdue_ = first;
    fail(Error(Fault::system, fmt::format("rank {}", workers_.rank_of(*task.busy.begin())), late_text(task)));
  }
}

}  // namespace alphahill
