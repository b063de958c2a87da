#include "alphahill/runtime/launcher.hpp"

#include <array>
#include <limits>
#include <utility>

#include "alphahill/base/environment.hpp"

namespace alphahill {

namespace {

/// From the launcher that is nearest to the process.
constexpr std::array<std::pair<const char*, const char*>, 3> variables{{
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"PMI_RANK", "PMI_SIZE"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
}};

}  // namespace

std::int64_t tasks_started_by_srun() {
  return environment_number("OMPI_COMM_WORLD_SIZE") ? 1 : tasks_of_slurm_step();
}

LaunchPlace place_by_launcher() {
  for (const auto& [rank, ranks] : variables) {
    const auto number = environment_number(rank);
    const auto of = environment_number(ranks);
    if (number && of && *number >= 0 && *number < *of && *of <= std::numeric_limits<int>::max()) {
      return {static_cast<int>(*number), static_cast<int>(*of), true};
    }
  }
  return {};
}

}  // namespace alphahill
