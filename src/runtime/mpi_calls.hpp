/// The edge of MPI: every call checked, every wait leaves the core to others.
#pragma once

#include <mpi.h>

namespace alphahill {

/// @throws Error(system) with the call's name and MPI's text
void check_mpi(const char* call, int code);

/// Returns when the request is complete.
void wait_with_backoff(MPI_Request request);

}  // namespace alphahill
