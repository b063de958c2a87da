/// Which of a job's processes this one is, before MPI begins: by what its launcher puts into the environment.
#pragma once

#include <cstdint>

namespace alphahill {

struct LaunchPlace {
  int rank = 0;
  int ranks = 1;
  bool launched = false;  ///< by one of the launchers below
};

/// As mpirun of Open MPI, launchers of PMI (MPICH, Intel MPI) or srun tell; a process that none of them
/// started is alone.
LaunchPlace place_by_launcher();

/// Tasks that srun started with this one, to be asked before MPI begins: 1 outside of Slurm, and under mpirun,
/// whatever the job around it says.
std::int64_t tasks_started_by_srun();

}  // namespace alphahill
