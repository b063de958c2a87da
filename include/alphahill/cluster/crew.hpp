/// All workers of a run as the coordinator sees them: rank 0's own, on a thread of its own, and those of
/// other ranks.
#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "alphahill/cluster/mailbox.hpp"
#include "alphahill/cluster/messages.hpp"
#include "alphahill/cluster/mpi_session.hpp"
#include "alphahill/cluster/worker.hpp"

namespace alphahill {

/// A report and the rank that it comes from.
struct Arrival {
  int rank;
  Report report;
};

class Crew {
 public:
  /// @param own_work  what rank 0's own worker does, on its thread, until it is told that there is no more
  Crew(MpiSession& mpi, std::function<void(const CoordinatorLine&)> own_work);
  /// Tells rank 0's own worker that there is no more, and waits for it.
  ~Crew() { own_assignments_.put({}); }

  int size() const { return mpi_.size(); }
  void assign(int rank, Assignment assignment);
  /// What has arrived; waits for at most `longest` where nothing has.
  std::vector<Arrival> arrivals(std::chrono::milliseconds longest);

 private:
  std::optional<Arrival> arrival_now();

  MpiSession& mpi_;
  PatientWait silence_;
  Mailbox<Assignment> own_assignments_;
  Mailbox<Report> own_reports_;
  std::jthread own_worker_;
};

/// The line of a worker on another rank than 0.
CoordinatorLine line_to_rank_0(MpiSession& mpi);

}  // namespace alphahill
