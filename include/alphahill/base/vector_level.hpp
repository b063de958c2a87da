/// Which vector units our own kernels use, and how a kernel is compiled for each.
///
/// A kernel is written once and always inlined into one function a level, of which the program takes that of
/// the level in use:
///
///   vectorised([=]() ALPHAHILL_INLINE { for (std::size_t i = 0; i < count; ++i) to[i] = 2 * from[i]; });
///
/// OpenBLAS has a choice of its own (OPENBLAS_CORETYPE).
#pragma once

#include <cstdint>
#include <string_view>

#define ALPHAHILL_INLINE __attribute__((always_inline))
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define ALPHAHILL_VECTOR_LEVELS
#define ALPHAHILL_AVX2 __attribute__((target("avx2,fma")))
#define ALPHAHILL_AVX512 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#else
#define ALPHAHILL_AVX2
#define ALPHAHILL_AVX512
#endif

namespace alphahill {

/// In the order of their registers' width: each processor has those up to its widest.
enum class VectorLevel : std::uint8_t { baseline, avx2, avx512 };

std::string_view name_of(VectorLevel level);

/// Of this processor.
VectorLevel widest_level();

/// The level in use: the one that the environment variable ALPHAHILL_VECTOR_LEVEL names (baseline, avx2,
/// avx512), for tests and for a processor whose widest does not work; the widest where it is not set.
/// @throws Error(usage) for another name, and for a level that the processor does not have; at every call
VectorLevel vector_level();

namespace detail {

template <class Kernel>
void run_baseline(Kernel kernel) {
  kernel();
}
template <class Kernel>
ALPHAHILL_AVX2 void run_with_avx2(Kernel kernel) {
  kernel();
}
template <class Kernel>
ALPHAHILL_AVX512 void run_with_avx512(Kernel kernel) {
  kernel();
}

}  // namespace detail

/// Runs the kernel, which takes its arguments by value and is always inlined, with the vector units in use.
template <class Kernel>
void vectorised(const Kernel& kernel) {
  switch (vector_level()) {
    case VectorLevel::baseline:
      return detail::run_baseline(kernel);
    case VectorLevel::avx2:
      return detail::run_with_avx2(kernel);
    case VectorLevel::avx512:
      return detail::run_with_avx512(kernel);
  }
}

}  // namespace alphahill
