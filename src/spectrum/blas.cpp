#include "alphahill/spectrum/blas.hpp"

#include <cblas.h>

namespace alphahill {

void set_blas_threads(int threads) {
  openblas_set_num_threads(threads);
}

}  // namespace alphahill
