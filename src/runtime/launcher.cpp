#include "alphahill/runtime/launcher.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
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

std::optional<int> number_of(const char* variable) {
  const char* value = std::getenv(variable);
  const std::string_view text = value == nullptr ? "" : value;
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

int tasks_of_slurm() {
  const auto of_mpirun = number_of("OMPI_COMM_WORLD_SIZE");
  return of_mpirun ? 1 : slurm_tasks();
}

LaunchPlace place_by_launcher() {
  for (const auto& [rank, ranks] : variables) {
    const auto number = number_of(rank);
    const auto of = number_of(ranks);
    if (number && of && *number >= 0 && *number < *of) return {*number, *of, true};
  }
  return {};
}

}  // namespace alphahill
