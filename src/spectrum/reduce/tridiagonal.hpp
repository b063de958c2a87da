/// Eigenvalues of a symmetric tridiagonal matrix.
#pragma once

#include <vector>

namespace alphahill {

struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> off_diagonal;  ///< the last value does not count
};

/// Is no entry NaN or Inf?
bool is_finite(const Tridiagonal& matrix);

/// Eigenvalues, ascending; absolute error below 10 n eps |T|, measured 2 n eps |T|.
///
/// The square-root-free QL iteration of Pal, Walker and Kahan (Parlett, The Symmetric Eigenvalue Problem,
/// section 8.15), as in LAPACK's dsterf. One sweep is a chain of divisions of which each waits for the one
/// before; here four sweeps, shifted by the eigenvalues of the leading block of order four (Bai and Demmel
/// 1989), go down the matrix two rows behind each other, so that four chains run at any time.
///
/// @throws Error(internal) when an entry is NaN or Inf, or the iteration does not converge
std::vector<double> tridiagonal_eigenvalues(Tridiagonal matrix);

}  // namespace alphahill
