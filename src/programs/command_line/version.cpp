#include "programs/command_line/version.hpp"

namespace alphahill {

// The macros come from CMakeLists.txt.
std::string version_text() {
  return ALPHAHILL_VERSION " (MPI " ALPHAHILL_MPI_VERSION ", OpenBLAS " ALPHAHILL_OPENBLAS_VERSION
                           ", HDF5 " ALPHAHILL_HDF5_VERSION ")";
}

}  // namespace alphahill
