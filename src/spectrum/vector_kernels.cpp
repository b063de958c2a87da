#include "vector_kernels.hpp"

namespace alphahill {

namespace {

VectorLevel find_widest() {
#ifdef ALPHAHILL_VECTOR_LEVELS
  if (__builtin_cpu_supports("x86-64-v4") != 0) return VectorLevel::avx512;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return VectorLevel::avx2;
#endif
  return VectorLevel::any;
}

}  // namespace

VectorLevel widest_level() {
  static const VectorLevel widest = find_widest();
  return widest;
}

}  // namespace alphahill
