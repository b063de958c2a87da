#include "alphahill/spectrum/blas.hpp"

#include <cblas.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "vector_kernels.hpp"

namespace alphahill {

namespace {

bool falls_short() {
  const std::string_view kernels = openblas_get_corename();
  const bool narrow = kernels == "Haswell" || kernels == "Zen";
  return narrow && widest_level() == VectorLevel::avx512;
}

}  // namespace

void start_with_widest_blas(char** argv) {
  constexpr const char* choice = "OPENBLAS_CORETYPE";
  if (std::getenv(choice) != nullptr || !falls_short()) return;
  setenv(choice, "SkylakeX", 0);
  execv("/proc/self/exe", argv);
}

void set_blas_threads(int threads) {
  openblas_set_num_threads(threads);
}

}  // namespace alphahill
