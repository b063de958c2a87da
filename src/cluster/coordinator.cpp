#include "alphahill/cluster/coordinator.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::chrono::milliseconds longest_wait{100};

const std::string& name_of(const Catalog& catalog, std::int64_t layer) {
  return catalog.layers.at(static_cast<std::size_t>(layer - 1)).name;
}

}  // namespace

Coordinator::Coordinator(const Catalog& catalog, Schedule schedule, double work, Crew& crew, RunBooks books,
                         double grace_seconds)
    : catalog_(catalog),
      schedule_(std::move(schedule)),
      crew_(crew),
      books_(std::move(books)),
      grace_seconds_(grace_seconds),
      progress_("layers", schedule_.waiting(), work),
      start_(std::chrono::steady_clock::now()) {}

double Coordinator::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

RunEnd Coordinator::run() {
  for (int rank = 0; rank < crew_.size(); ++rank) hand_out(rank);
  while (!schedule_.under_way().empty() && !patience_is_over()) {
    take_in(crew_.arrivals(longest_wait));
    if (books_.stop_requested()) stop();
    watch_deadlines();
  }
  return end();
}

RunEnd Coordinator::end() const {
  RunEnd end{failure_, {}, overdue_};
  for (const auto& [rank, under_way] : schedule_.under_way()) end.abandoned.push_back(under_way.layer.number);
  return end;
}

void Coordinator::stop() {
  if (stopping()) return;
  stopping_since_ = now();
  if (schedule_.under_way().empty()) return;
  spdlog::warn("stopping: {} layers under way have {} to finish", schedule_.under_way().size(),
               human_seconds(grace_seconds_));
}

bool Coordinator::patience_is_over() const {
  return stopping() && now() - *stopping_since_ > grace_seconds_;
}

void Coordinator::hand_out(int rank) {
  const auto layer = stopping() ? std::nullopt : schedule_.assign(rank, now());
  if (layer) enter([&] { books_.begun(*layer); });
  crew_.assign(rank, {layer.value_or(Assignment::no_more)});
}

void Coordinator::take_in(std::vector<Arrival> arrivals) {
  std::vector<LayerRecord> records;
  std::vector<PlannedLayer> done;
  for (Arrival& arrival : arrivals) {
    Report& report = arrival.report;
    done.push_back(schedule_.finish(arrival.rank, now()));
    if (report.run_failed) {
      done.pop_back();
      fail(Error(report.fault, report.where, report.reason));
    } else {
      records.push_back(std::move(report.record));
    }
    // The worker goes on before its record is on disk.
    hand_out(arrival.rank);
  }
  if (records.empty() || !enter([&] { books_.finished(records); })) return;
  for (const PlannedLayer& layer : done) progress_.advance(layer.flops, name_of(catalog_, layer.number));
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

void Coordinator::watch_deadlines() {
  for (const auto& [rank, under_way] : schedule_.under_way()) {
    if (overdue_ || now() <= under_way.deadline) continue;
    overdue_ = under_way.layer.number;
    fail(Error(
        Fault::system, fmt::format("rank {}", rank),
        fmt::format("{} is not done after {} (--layer-timeout)", name_of(catalog_, under_way.layer.number),
                    human_seconds(now() - under_way.begun))));
  }
}

}  // namespace alphahill
