/// How this process uses OpenBLAS.
#pragma once

namespace alphahill {

/// BLAS threads of this process; the ranks of a node share its cores.
void set_blas_threads(int threads);

}  // namespace alphahill
