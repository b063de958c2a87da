/// Which of a job's processes this one is, before MPI begins: by what its launcher puts into the environment.
#pragma once

namespace alphahill {

struct LaunchPlace {
  int rank = 0;
  int ranks = 1;
  bool launched = false;  ///< by one of the launchers below
};

/// As mpirun of Open MPI, launchers of PMI (MPICH, Intel MPI) or srun tell; a process that none of them
/// started is alone.
LaunchPlace place_by_launcher();

/// Tasks of the Slurm step that this process is one of, to be asked before MPI begins; 1 where there is none, and
/// under mpirun, whatever the job around it says.
int tasks_of_slurm();

}  // namespace alphahill
