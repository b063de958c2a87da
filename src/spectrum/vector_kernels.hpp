/// What kernels with vectors of their own share: the registers of each level of vector units, and which level
/// this processor has.
///
/// A kernel is a template over its register, always inlined into one function a level:
///
///   void run_with_any(...) { run<Register<16>>(...); }
///   ALPHAHILL_AVX2 void run_with_avx2(...) { run<Register<32>>(...); }
///   ALPHAHILL_AVX512 void run_with_avx512(...) { run<Register<64>>(...); }
///   constexpr std::array run{run_with_any, run_with_avx2, run_with_avx512};  // by level
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define ALPHAHILL_VECTOR_LEVELS
#define ALPHAHILL_AVX2 __attribute__((target("avx2,fma")))
#define ALPHAHILL_AVX512 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#else
#define ALPHAHILL_AVX2
#define ALPHAHILL_AVX512
#endif

namespace alphahill {

template <int Bytes>
struct RegisterOf {
  typedef double type __attribute__((vector_size(Bytes)));
};
/// A vector register of doubles.
template <int Bytes>
using Register = typename RegisterOf<Bytes>::type;

template <class Vector>
inline constexpr int lanes_of = sizeof(Vector) / sizeof(double);

/// By reference, and through memcpy: values need not be aligned, and no vector crosses a call.
template <class Vector>
[[gnu::always_inline]] inline void load(Vector& value, const double* from) {
  std::memcpy(&value, from, sizeof value);
}

template <class Vector>
[[gnu::always_inline]] inline void store(const Vector& value, double* to) {
  std::memcpy(to, &value, sizeof value);
}

/// Levels in the order of their registers' width: each processor has those up to its widest.
enum class VectorLevel : std::uint8_t { any, avx2, avx512 };

VectorLevel widest_level();

}  // namespace alphahill
