/// What a process runs in.
#pragma once

#include <string>

namespace alphahill {

std::string host_name();

/// The value of an environment variable; `otherwise` where it is not set, or empty.
std::string environment(const char* name, const std::string& otherwise = {});

/// Tasks of the Slurm step, or of the job where no step is known; 1 outside of Slurm.
int slurm_tasks();

}  // namespace alphahill
