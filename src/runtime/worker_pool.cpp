#include "alphahill/runtime/worker_pool.hpp"

#include <utility>

#include "alphahill/base/bytes.hpp"
#include "alphahill/runtime/crash_note.hpp"

namespace alphahill {

namespace {

constexpr int rank_0 = 0;

Assignment assignment_of(const Message& message) {
  return from_bytes<Assignment>(message.bytes, "assignment of rank 0");
}

void send_to_rank_0(MpiSession& mpi, const Report& report) {
  mpi.send(rank_0, Tag::report, to_bytes(report));
}

void forward_messages(MpiSession& mpi, int lanes, OwnWorkers& workers) {
  exclude_thread_from_crash_notes();
  BackoffWait silence;
  for (int working = lanes; working > 0;) {
    if (const auto report = workers.report_now()) {
      send_to_rank_0(mpi, *report);
    } else if (const auto message = mpi.receive_now()) {
      Assignment assignment = assignment_of(*message);
      if (assignment.layers.empty()) --working;
      workers.assign(std::move(assignment));
    } else {
      silence.pause();
      continue;
    }
    silence = BackoffWait();
  }
}

}  // namespace

OwnWorkers::OwnWorkers(int lanes, const Work& work) : assignments_(static_cast<std::size_t>(lanes)) {
  for (int lane = 0; lane < lanes; ++lane) {
    Mailbox<Assignment>& assignments = assignments_[static_cast<std::size_t>(lane)];
    threads_.emplace_back([this, lane, &assignments, work] {
      work({.receive = [&] { return assignments.take(); },
            .send =
                [&](Report report) {
                  report.lane = lane;
                  reports_.put(std::move(report));
                }});
    });
  }
}

OwnWorkers::~OwnWorkers() {
  for (auto& assignments : assignments_) assignments.put({});
}

void OwnWorkers::assign(Assignment assignment) {
  const auto lane = static_cast<std::size_t>(assignment.lane);
  assignments_.at(lane).put(std::move(assignment));
}

WorkerPool::WorkerPool(MpiSession& mpi, int lanes, const Work& own_work)
    : mpi_(mpi), lanes_(lanes), own_(lanes, own_work) {}

void WorkerPool::assign(int worker, Assignment assignment) {
  assignment.lane = worker % lanes_;
  if (rank_of(worker) == rank_0) {
    own_.assign(std::move(assignment));
  } else {
    mpi_.send(rank_of(worker), Tag::assignment, to_bytes(assignment));
  }
}

std::optional<Arrival> WorkerPool::arrival_now() {
  const auto from = [&](int rank, Report report) {
    return Arrival{rank * lanes_ + report.lane, std::move(report)};
  };
  if (auto report = own_.report_now()) return from(rank_0, std::move(*report));
  if (const auto message = mpi_.receive_now()) {
    return from(message->from, from_bytes<Report>(message->bytes, "report of a rank"));
  }
  return std::nullopt;
}

std::vector<Arrival> WorkerPool::arrivals(std::chrono::milliseconds longest) {
  std::vector<Arrival> arrived;
  const auto end = std::chrono::steady_clock::now() + longest;
  while (arrived.empty() && std::chrono::steady_clock::now() < end) {
    while (auto arrival = arrival_now()) arrived.push_back(std::move(*arrival));
    if (arrived.empty()) silence_.pause();
  }
  if (!arrived.empty()) silence_ = BackoffWait();
  return arrived;
}

void work_for_rank_0(MpiSession& mpi, int lanes, const Work& work) {
  if (lanes == 1) {
    return work({.receive = [&] { return assignment_of(mpi.receive()); },
                 .send = [&](const Report& report) { send_to_rank_0(mpi, report); }});
  }
  OwnWorkers workers(lanes, work);
  forward_messages(mpi, lanes, workers);
}

}  // namespace alphahill
