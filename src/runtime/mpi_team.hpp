/// A team over a communicator.
#pragma once

#include <mpi.h>

#include <memory>

#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// @param ranks  of its members, of which the first leads; outlives the team, which does not free it
std::unique_ptr<Team> make_mpi_team(MPI_Comm ranks);

}  // namespace alphahill
