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

Coordinator::Coordinator(const Catalog& catalog, Schedule schedule, Crew& crew, RunBooks books,
                         double grace_seconds)
    : catalog_(catalog),
      schedule_(std::move(schedule)),
      crew_(crew),
      books_(std::move(books)),
      grace_seconds_(grace_seconds),
      progress_("layers", schedule_.waiting(), schedule_.planned_work()),
      start_(std::chrono::steady_clock::now()) {}

double Coordinator::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

RunEnd Coordinator::run() {
  take_turn({});
  while (!schedule_.under_way().empty() && !patience_is_over()) {
    auto arrivals = crew_.arrivals(longest_wait);
    if (!arrivals.empty()) take_turn(std::move(arrivals));
    if (books_.stop_requested()) stop();
    watch_deadlines();
  }
  dismiss();
  return end();
}

void Coordinator::dismiss() {
  std::set<int> busy;
  for (const auto& [first, under_way] : schedule_.under_way())
    busy.insert(under_way.busy.begin(), under_way.busy.end());
  for (int worker = 0; worker < crew_.size(); ++worker) {
    if (!busy.contains(worker)) crew_.assign(worker, {});
  }
}

RunEnd Coordinator::end() const {
  RunEnd end{failure_, !schedule_.under_way().empty(), {}};
  for (const std::int64_t layer : given_up_) end.broken_off.push_back({layer, AttemptEvent::released});
  for (const auto& [first, under_way] : schedule_.under_way()) {
    const auto& layers = under_way.handout.layers;
    const bool overdue = overdue_ == first;
    if (overdue && layers.size() > 1) continue;
    for (const PlannedLayer& layer : layers) {
      end.broken_off.push_back({layer.number, overdue ? AttemptEvent::blamed : AttemptEvent::released});
    }
  }
  return end;
}

void Coordinator::stop() {
  if (stopping()) return;
  stopping_since_ = now();
  if (schedule_.under_way().empty()) return;
  std::size_t layers = 0;
  for (const auto& [first, under_way] : schedule_.under_way()) layers += under_way.handout.layers.size();
  spdlog::warn("stopping: {} layers under way have {} to finish", layers, human_seconds(grace_seconds_));
}

bool Coordinator::patience_is_over() const {
  return stopping() && now() - *stopping_since_ > grace_seconds_;
}

void Coordinator::take_turn(std::vector<Arrival> arrivals) {
  Turn turn;
  for (Arrival& arrival : arrivals) take_in(std::move(arrival), turn);
  const auto handouts = stopping() ? std::vector<Handout>{} : schedule_.hand_out(now());
  std::vector<std::int64_t> begun;
  for (const Handout& handout : handouts) {
    for (const PlannedLayer& layer : handout.layers) begun.push_back(layer.number);
  }
  if (turn.records.empty() && begun.empty()) return;
  if (!enter([&] { books_.write(turn.records, begun); })) return take_back(handouts);
  send(handouts);
  if (turn.records.empty() || !enter([&] { books_.sync(); })) return;
  progress_.advance(turn.work, name_of(catalog_, turn.records.back().layer), std::ssize(turn.records),
                    schedule_.seconds_left(now()));
}

void Coordinator::take_back(const std::vector<Handout>& handouts) {
  for (const Handout& handout : handouts) {
    for (int rank = handout.ranks.end() - 1; rank >= handout.ranks.first; --rank) schedule_.give_up(rank);
  }
}

void Coordinator::send(const std::vector<Handout>& handouts) {
  for (const Handout& handout : handouts) {
    Assignment assignment{.layers = {}, .team_size = handout.ranks.size};
    for (const PlannedLayer& layer : handout.layers) assignment.layers.push_back(layer.number);
    for (int rank = handout.ranks.first; rank < handout.ranks.end(); ++rank) crew_.assign(rank, assignment);
  }
}

void Coordinator::take_in(Arrival arrival, Turn& turn) {
  Report& report = arrival.report;
  turn.work += schedule_.finish(arrival.worker, done_by(report), now());
  if (report.run_failed) give_up(arrival.worker, Error(report.fault, report.where, report.reason));
  for (LayerRecord& record : report.records) {
    if (!record.results.empty()) turn.records.push_back(std::move(record));
  }
}

void Coordinator::give_up(int rank, const Error& error) {
  for (const PlannedLayer& layer : schedule_.task_of(rank).handout.layers) given_up_.insert(layer.number);
  schedule_.give_up(rank);
  fail(error);
}

bool Coordinator::enter(const std::function<void()>& into_books) {
  try {
    into_books();
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

std::string Coordinator::late_text(const UnderWay& under_way) const {
  const auto& layers = under_way.handout.layers;
  const std::string first = name_of(catalog_, layers.front().number);
  const std::string which =
      layers.size() == 1 ? first : fmt::format("{} or one of {} layers with it", first, layers.size() - 1);
  return fmt::format("{} is not done after {} (--layer-timeout)", which,
                     human_seconds(now() - under_way.begun));
}

void Coordinator::watch_deadlines() {
  for (const auto& [first, under_way] : schedule_.under_way()) {
    if (overdue_ || now() <= under_way.deadline) continue;
    overdue_ = first;
    fail(Error(Fault::system, fmt::format("rank {}", crew_.rank_of(*under_way.busy.begin())),
               late_text(under_way)));
  }
}

}  // namespace alphahill
