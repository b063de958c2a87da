/// The registers of kernels that hold vectors of their own, at each level of vector units.
///
/// A kernel is a template over its register, always inlined into one function a level:
///
///   void run_with_baseline(...) { run<Register<16>>(...); }
///   ALPHAHILL_AVX2 void run_with_avx2(...) { run<Register<32>>(...); }
///   ALPHAHILL_AVX512 void run_with_avx512(...) { run<Register<64>>(...); }
///   constexpr std::array run{run_with_baseline, run_with_avx2, run_with_avx512};  // by level
#pragma once

#include <cstring>

#include "alphahill/base/vector_level.hpp"

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

}  // namespace alphahill
