/// The edge to BLAS and LAPACK: the routines that spectra need, checked, on column-major matrices.
///
/// A routine that reports failure throws Error(internal) with its name and INFO. All matrices are in fp64;
/// only the lower triangle of a symmetric one is used.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace alphahill::lapack {

/// G := beta G + A A^T (`transposed` false, A is n x k) or beta G + A^T A (A is k x n). G is n x n.
void add_gram(std::int64_t n, std::int64_t k, const double* a, bool transposed, double beta, double* g);

/// Eigenvalues of the symmetric n x n matrix, ascending: reduced to a band of `band_width` (n > band_width),
/// the band to tridiagonal, then QR iteration. Overwrites the matrix.
std::vector<double> two_stage_eigenvalues(std::int64_t n, std::int64_t band_width, std::span<double> matrix);

/// The same through a direct reduction to tridiagonal form; any n >= 1.
std::vector<double> one_stage_eigenvalues(std::int64_t n, std::span<double> matrix);

/// Replaces the upper triangle R (n x n) by that of the QR factorization of R over A (k x n), and destroys A.
void fold_into_triangle(std::int64_t n, std::int64_t k, double* r, double* a);

/// Singular values of the n x n matrix, descending. Overwrites the matrix.
std::vector<double> singular_values(std::int64_t n, std::span<double> matrix);

}  // namespace alphahill::lapack
