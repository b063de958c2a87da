/// The edge of ScaLAPACK: a team's matrix in its block-cyclic distribution (block_cyclic.hpp), with the
/// routines of its SVD, checked.
///
/// The library's buffers are its own: where it cannot allocate one, it ends the run.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>

#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// Team::make_matrix for a team whose members are the ranks of a communicator. Collective.
/// @param team  outlives the matrix
std::unique_ptr<TeamMatrix> make_scalapack_matrix(MPI_Comm ranks, Team& team, std::int64_t rows,
                                                  std::int64_t cols);

}  // namespace alphahill
