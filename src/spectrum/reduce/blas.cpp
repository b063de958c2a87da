#include "alphahill/spectrum/blas.hpp"

#include <cblas.h>

namespace alphahill {

void set_blas_threads(int threads) {
  openblas_set_num_threads(threads);
}

int blas_threads() {
  return openblas_get_num_threads();
}

std::string blas_kernels() {
  return openblas_get_corename();
}

}  // namespace alphahill
