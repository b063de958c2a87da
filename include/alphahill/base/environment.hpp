/// What a process runs in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace alphahill {

std::string host_name();

/// The value of an environment variable; `otherwise` where it is not set, or empty.
std::string environment(const char* name, const std::string& otherwise = {});

/// The whole number that an environment variable holds; nothing where it is not set, or holds anything else.
std::optional<std::int64_t> environment_number(const char* name);

/// The path with the home folder for a leading ~, which shells leave in --output-dir=~/x.
std::string with_home_folder(std::string path);

/// Tasks of the Slurm step, or of the job where no step is known; 1 outside of Slurm.
std::int64_t tasks_of_slurm_step();

}  // namespace alphahill
