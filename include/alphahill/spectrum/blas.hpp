/// How many cores a rank uses.
#pragma once

#include <string>

namespace alphahill {

/// Threads of this process for the Gram matrix and the band reduction, by OpenBLAS and by our own kernels;
/// what does not gain from them runs on one. The ranks of a node share its cores.
void set_blas_threads(int threads);
int blas_threads();

/// The kernels that OpenBLAS has chosen for this processor: "Haswell".
std::string blas_kernels();

}  // namespace alphahill
