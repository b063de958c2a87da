#include "alphahill/base/environment.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace alphahill {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::optional<std::int64_t> environment_number(const char* name) {
  const std::string text = environment(name);
  const char* last = text.data() + text.size();
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), last, number);
  return code == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

std::string with_home_folder(std::string path) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, environment("HOME", "~"));
  return path;
}

std::int64_t tasks_of_slurm_step() {
  const auto of_step = environment_number("SLURM_STEP_NUM_TASKS");
  return of_step ? *of_step : environment_number("SLURM_NTASKS").value_or(1);
}

}  // namespace alphahill
