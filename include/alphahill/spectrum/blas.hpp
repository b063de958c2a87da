/// How this process uses OpenBLAS.
#pragma once

namespace alphahill {

/// To be called first in `main`: has OpenBLAS use the vector units that this processor has. Some of its
/// versions take AMD's Zen 4 and 5 for a Haswell, at little more than half the speed. Which kernels it uses
/// is settled when it is loaded, so this starts the program again, with OPENBLAS_CORETYPE set; it returns
/// where that is not needed, and where the variable is set already.
void start_with_widest_blas(char** argv);

/// BLAS threads of this process; the ranks of a node share its cores.
void set_blas_threads(int threads);

}  // namespace alphahill
