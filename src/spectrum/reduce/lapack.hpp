/// The edge to BLAS and LAPACK: the routines that spectra need, checked, on column-major matrices.
///
/// A routine that reports failure throws Error(internal) with its name and INFO. All matrices are in fp64;
/// only the lower triangle of a symmetric one is used.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/spectrum/team_matrix.hpp"
#include "spectrum/reduce/tridiagonal.hpp"

namespace alphahill::lapack {

/// op(A): A itself, or its transpose.
struct Operand {
  const double* values;
  std::int64_t leading_dimension;
  bool transposed = false;
};

/// A matrix that is written to.
struct Result {
  double* values;
  std::int64_t leading_dimension;
};

/// C := keep C + factor op(A) op(B); C is m x n, op(A) m x k, op(B) k x n.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, Operand a, Operand b,
              double keep, Result c);

/// G := G + op(A) op(A)^T; G is n x n, op(A) n x k.
void add_gram(std::int64_t n, std::int64_t k, Operand a, Result g);

/// C := C - V^T W - W^T V; C is n x n, V and W are k x n with the same leading dimension.
void subtract_rank_2k(std::int64_t n, std::int64_t k, const double* v, const double* w,
                      std::int64_t leading_dimension, Result c);

/// x^T y, for n values side by side each.
double dot(std::int64_t n, const double* x, const double* y);

/// y := op(A) x; op(A) is m x n.
void multiply_vector(std::int64_t m, std::int64_t n, Operand a, const double* x, double* y);

/// QR factorization of A (m x n, m >= 1): leaves R in and above its diagonal and the r = min(m, n) reflectors
/// of Q = I - V T V^T below it, with T (r x r, upper triangular, leading dimension n) beside them.
void factor_panel(std::int64_t m, std::int64_t n, Result a, double* t, double* work);

/// Direct reduction of the symmetric n x n matrix, n >= 1, to tridiagonal form. Overwrites the matrix.
Tridiagonal reduce_to_tridiagonal(std::int64_t n, Result a);

/// Eigenvalues, ascending, by the QL and QR iteration of dsterf. No entry may be NaN or Inf.
std::vector<double> tridiagonal_eigenvalues(Tridiagonal matrix);

/// Eigenvalues of the symmetric n x n matrix, n >= 1, ascending, by dsyevd. Overwrites the matrix.
std::vector<double> symmetric_eigenvalues(std::int64_t n, Result a);

/// Replaces the upper triangle R (n x n) by that of the QR factorization of R over A (k x n), and destroys A.
void fold_into_triangle(std::int64_t n, std::int64_t k, double* r, double* a);

/// Singular values of the n x n matrix, descending. Overwrites the matrix.
std::vector<double> singular_values(std::int64_t n, std::span<double> matrix);

/// The same of an upper bidiagonal matrix of order n >= 1.
std::vector<double> singular_values(Bidiagonal matrix);

}  // namespace alphahill::lapack
