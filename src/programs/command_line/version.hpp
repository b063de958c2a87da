/// Versions of alphahill and of the libraries that its figures and files depend on.
#pragma once

#include <string>

namespace alphahill {

/// "0.1.0 (Open MPI v4.1.4, OpenBLAS 0.3.21, HDF5 1.10.8)"
std::string version_text();

}  // namespace alphahill
