#include "alphahill/base/vector_level.hpp"

#include <array>
#include <string>

#include "alphahill/base/environment.hpp"
#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

constexpr const char* variable = "ALPHAHILL_VECTOR_LEVEL";
constexpr std::array all_levels{VectorLevel::baseline, VectorLevel::avx2, VectorLevel::avx512};

VectorLevel find_widest() {
#ifdef ALPHAHILL_VECTOR_LEVELS
  if (__builtin_cpu_supports("x86-64-v4") != 0) return VectorLevel::avx512;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return VectorLevel::avx2;
#endif
  return VectorLevel::baseline;
}

VectorLevel chosen_level() {
  const std::string name = environment(variable);
  if (name.empty()) return widest_level();
  for (const VectorLevel level : all_levels) {
    if (name != name_of(level)) continue;
    if (level <= widest_level()) return level;
    throw Error(
        Fault::usage, variable,
        "this processor has no " + name + ", its widest level is " + std::string(name_of(widest_level())));
  }
  throw Error(Fault::usage, variable, "expected baseline, avx2 or avx512, found '" + name + "'");
}

}  // namespace

std::string_view name_of(VectorLevel level) {
  constexpr std::array<std::string_view, all_levels.size()> names{"baseline", "avx2", "avx512"};
  return names[static_cast<std::size_t>(level)];
}

VectorLevel widest_level() {
  static const VectorLevel widest = find_widest();
  return widest;
}

VectorLevel vector_level() {
  static const VectorLevel chosen = chosen_level();
  return chosen;
}

}  // namespace alphahill
