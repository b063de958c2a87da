#include "alphahill/runtime/mpi_teams.hpp"

#include "runtime/mpi_calls.hpp"
#include "runtime/mpi_team.hpp"

namespace alphahill {

namespace {

MPI_Comm communicator_of_block(const MpiSession& mpi, const BlockLayout& ranks, int size) {
  const auto block = ranks.block_of(mpi.rank(), size);
  MPI_Comm members = MPI_COMM_NULL;
  check_mpi("MPI_Comm_split",
            MPI_Comm_split(MPI_COMM_WORLD, block.value_or(MPI_UNDEFINED), mpi.rank(), &members));
  return members;
}

}  // namespace

MpiTeams::MpiTeams(const MpiSession& mpi, const BlockLayout& ranks) {
  teams_[1] = std::make_unique<SingleRank>();
  for (const int size : ranks.team_sizes()) {
    const MPI_Comm members = communicator_of_block(mpi, ranks, size);
    if (members != MPI_COMM_NULL) teams_[size] = make_mpi_team(members);
  }
}

}  // namespace alphahill
