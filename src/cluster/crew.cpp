#include "alphahill/cluster/crew.hpp"

#include <utility>

#include "alphahill/base/bytes.hpp"

namespace alphahill {

namespace {

constexpr int rank_0 = 0;

}  // namespace

Crew::Crew(MpiSession& mpi, std::function<void(const CoordinatorLine&)> own_work)
    : mpi_(mpi), own_worker_([this, own_work = std::move(own_work)] {
        own_work({.receive = [this] { return own_assignments_.take(); },
                  .send = [this](const Report& report) { own_reports_.put(report); }});
      }) {}

void Crew::assign(int rank, Assignment assignment) {
  if (rank == rank_0) {
    own_assignments_.put(assignment);
  } else {
    mpi_.send(rank, Tag::assignment, to_bytes(assignment));
  }
}

std::optional<Arrival> Crew::arrival_now() {
  if (auto report = own_reports_.take_now()) return Arrival{rank_0, std::move(*report)};
  if (const auto message = mpi_.receive_now()) {
    return Arrival{message->from, from_bytes<Report>(message->bytes, "report of a rank")};
  }
  return std::nullopt;
}

std::vector<Arrival> Crew::arrivals(std::chrono::milliseconds longest) {
  std::vector<Arrival> arrived;
  const auto end = std::chrono::steady_clock::now() + longest;
  while (arrived.empty() && std::chrono::steady_clock::now() < end) {
    while (auto arrival = arrival_now()) arrived.push_back(std::move(*arrival));
    if (arrived.empty()) silence_.pause();
  }
  if (!arrived.empty()) silence_ = PatientWait();
  return arrived;
}

CoordinatorLine line_to_rank_0(MpiSession& mpi) {
  return {.receive = [&mpi] { return from_bytes<Assignment>(mpi.receive().bytes, "assignment of rank 0"); },
          .send = [&mpi](const Report& report) { mpi.send(rank_0, Tag::report, to_bytes(report)); }};
}

}  // namespace alphahill
