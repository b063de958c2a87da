/// All workers of a run as the coordinator sees them: rank 0's own, on threads of their own, and those of
/// other ranks. Every rank has as many; worker w is lane w % lanes of rank w / lanes.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "alphahill/runtime/mailbox.hpp"
#include "alphahill/runtime/messages.hpp"
#include "alphahill/runtime/mpi_session.hpp"
#include "alphahill/runtime/worker.hpp"

namespace alphahill {

/// What a worker does until it is told that there is no more.
using Work = std::function<void(const CoordinatorLine&)>;

/// Workers of this process, each on a thread of its own.
class OwnWorkers {
 public:
  /// @param work  copied for each lane
  OwnWorkers(int lanes, const Work& work);
  /// Tells them that there is no more, and waits for them.
  ~OwnWorkers();

  void assign(Assignment assignment);
  std::optional<Report> report_now() { return reports_.take_now(); }

 private:
  std::deque<Mailbox<Assignment>> assignments_;  ///< by lane
  Mailbox<Report> reports_;
  std::vector<std::jthread> threads_;
};

/// A report and the worker that it comes from.
struct Arrival {
  int worker;
  Report report;
};

class WorkerPool {
 public:
  /// @param lanes  of every rank
  WorkerPool(MpiSession& mpi, int lanes, const Work& own_work);

  int size() const { return mpi_.size() * lanes_; }
  int rank_of(int worker) const { return worker / lanes_; }
  void assign(int worker, Assignment assignment);
  /// What has arrived; waits for at most `longest` where nothing has.
  std::vector<Arrival> arrivals(std::chrono::milliseconds longest);

 private:
  std::optional<Arrival> arrival_now();

  MpiSession& mpi_;
  int lanes_;
  BackoffWait silence_;
  OwnWorkers own_;
};

/// The workers of another rank than 0, until there is no more: the only one in the calling thread, several on
/// threads of their own while this one passes messages on.
void work_for_rank_0(MpiSession& mpi, int lanes, const Work& work);

}  // namespace alphahill
