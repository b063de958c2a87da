/// How many cores a rank uses.
#pragma once

namespace alphahill {

/// Threads of this process for the Gram matrix and the band reduction, by OpenBLAS and by our own kernels; what
/// does not gain from them runs on one. The ranks of a node share its cores.
void set_blas_threads(int threads);
int blas_threads();

}  // namespace alphahill
