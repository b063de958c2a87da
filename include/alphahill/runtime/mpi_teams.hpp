/// The teams that a rank may be a member of, one for each size of a block.
#pragma once

#include <map>
#include <memory>

#include "alphahill/runtime/mpi_session.hpp"
#include "alphahill/schedule/rank_pool.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

class MpiTeams {
 public:
  /// Collective over all ranks of the run.
  MpiTeams(const MpiSession& mpi, const BlockLayout& ranks);

  /// The team of this size that this rank is a member of; of one rank, a team of its own. Its calls are for
  /// one thread, which may be another one than the session's if MPI is for all threads.
  Team& of_size(int size) { return *teams_.at(size); }

 private:
  std::map<int, std::unique_ptr<Team>> teams_;
};

}  // namespace alphahill
