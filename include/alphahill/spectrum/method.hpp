/// How a spectrum was computed.
#pragma once

#include <cstdint>
#include <string_view>

namespace alphahill {

enum class Method : std::uint8_t {
  gram_eigen,         ///< eigenvalues of the Gram matrix, by our own arithmetic
  gram_eigen_gpu,     ///< the same on a GPU
  gram_eigen_dsterf,  ///< the same, but for the tridiagonal matrix, whose eigenvalues are LAPACK's
  gram_eigen_dsyevd,  ///< eigenvalues of the Gram matrix by LAPACK alone
  svd_full,           ///< squared singular values, on one rank
  svd_scalapack,      ///< squared singular values, by a team
};

/// "gram_eigen", "gram_eigen_gpu", "gram_eigen_dsterf", "gram_eigen_dsyevd", "svd_full", "svd_scalapack".
std::string_view name_of(Method method);

}  // namespace alphahill
