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

int slurm_tasks() {
  const std::string text = environment("SLURM_STEP_NUM_TASKS", environment("SLURM_NTASKS"));
  int tasks = 1;
  std::from_chars(text.data(), text.data() + text.size(), tasks);
  return tasks;
}

}  // namespace alphahill
