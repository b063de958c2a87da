#include "spectrum/reduce/lapack.hpp"

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>

#include "alphahill/base/checked.hpp"

extern "C" {
void dsytrd_(const char* uplo, const int* n, double* a, const int* lda, double* d, double* e, double* tau,
             double* work, const int* lwork, int* info, std::size_t);
void dsterf_(const int* n, double* d, double* e, int* info);
void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda, double* w,
             double* work, const int* lwork, int* iwork, const int* liwork, int* info, std::size_t,
             std::size_t);
void dgeqrt_(const int* m, const int* n, const int* nb, double* a, const int* lda, double* t, const int* ldt,
             double* work, int* info);
void dtpqrt_(const int* m, const int* n, const int* l, const int* nb, double* a, const int* lda, double* b,
             const int* ldb, double* t, const int* ldt, double* work, int* info);
void dgesdd_(const char* jobz, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork,
             int* info, std::size_t);
void dbdsqr_(const char* uplo, const int* n, const int* ncvt, const int* nru, const int* ncc, double* d,
             double* e, double* vt, const int* ldvt, double* u, const int* ldu, double* c, const int* ldc,
             double* work, int* info, std::size_t);
}

namespace alphahill::lapack {

namespace {

int order(std::int64_t n) {
  return narrow<int>(n, "matrix order");
}

void check(const char* routine, int info) {
  if (info != 0) throw Error(Fault::internal, routine, fmt::format("failed with INFO = {}", info));
}

/// An optimal workspace size as LAPACK reports it, in a double.
int workspace(double reported) {
  return narrow<int>(static_cast<std::int64_t>(reported), "LAPACK workspace");
}

CBLAS_TRANSPOSE operation(const Operand& operand) {
  return operand.transposed ? CblasTrans : CblasNoTrans;
}

}  // namespace

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, Operand a, Operand b,
              double keep, Result c) {
  cblas_dgemm(CblasColMajor, operation(a), operation(b), order(m), order(n), order(k), factor, a.values,
              order(a.leading_dimension), b.values, order(b.leading_dimension), keep, c.values,
              order(c.leading_dimension));
}

void add_gram(std::int64_t n, std::int64_t k, Operand a, Result g) {
  cblas_dsyrk(CblasColMajor, CblasLower, operation(a), order(n), order(k), 1.0, a.values,
              order(a.leading_dimension), 1.0, g.values, order(g.leading_dimension));
}

void subtract_rank_2k(std::int64_t n, std::int64_t k, const double* v, const double* w,
                      std::int64_t leading_dimension, Result c) {
  cblas_dsyr2k(CblasColMajor, CblasLower, CblasTrans, order(n), order(k), -1.0, v, order(leading_dimension),
               w, order(leading_dimension), 1.0, c.values, order(c.leading_dimension));
}

double dot(std::int64_t n, const double* x, const double* y) {
  return cblas_ddot(order(n), x, 1, y, 1);
}

void multiply_vector(std::int64_t m, std::int64_t n, Operand a, const double* x, double* y) {
  const bool transposed = a.transposed;
  cblas_dgemv(CblasColMajor, operation(a), order(transposed ? n : m), order(transposed ? m : n), 1.0,
              a.values, order(a.leading_dimension), x, 1, 0.0, y, 1);
}

void factor_panel(std::int64_t m, std::int64_t n, Result a, double* t, double* work) {
  const int rows = order(m);
  const int cols = order(n);
  const int block = std::min(rows, cols);
  const int leading_dimension = order(a.leading_dimension);
  int info = 0;
  dgeqrt_(&rows, &cols, &block, a.values, &leading_dimension, t, &cols, work, &info);
  check("dgeqrt", info);
}

Tridiagonal reduce_to_tridiagonal(std::int64_t n, Result a) {
  const int size = order(n);
  const int leading_dimension = order(a.leading_dimension);
  const int lwork = 64 * size;
  const auto values = static_cast<std::size_t>(n);
  Tridiagonal result{std::vector<double>(values), std::vector<double>(values)};
  std::vector<double> tau(values);
  std::vector<double> work(static_cast<std::size_t>(lwork));
  int info = 0;
  dsytrd_("L", &size, a.values, &leading_dimension, result.diagonal.data(), result.off_diagonal.data(),
          tau.data(), work.data(), &lwork, &info, 1);
  check("dsytrd", info);
  return result;
}

std::vector<double> tridiagonal_eigenvalues(Tridiagonal matrix) {
  const int size = order(std::ssize(matrix.diagonal));
  int info = 0;
  dsterf_(&size, matrix.diagonal.data(), matrix.off_diagonal.data(), &info);
  check("dsterf", info);
  return std::move(matrix.diagonal);
}

std::vector<double> symmetric_eigenvalues(std::int64_t n, Result a) {
  const int size = order(n);
  const int leading_dimension = order(a.leading_dimension);
  const int lwork = 66 * size + 1;  // 2 n + 1, and 64 columns for blocked reflectors
  const int one = 1;
  std::vector<double> values(static_cast<std::size_t>(n));
  std::vector<double> work(static_cast<std::size_t>(lwork));
  int integer_work = 0;
  int info = 0;
  dsyevd_("N", "L", &size, a.values, &leading_dimension, values.data(), work.data(), &lwork, &integer_work,
          &one, &info, 1, 1);
  check("dsyevd", info);
  return values;
}

void fold_into_triangle(std::int64_t n, std::int64_t k, double* r, double* a) {
  constexpr int widest_block = 32;
  const int cols = order(n);
  const int rows = order(k);
  const int rectangular = 0;
  const int block = std::min(widest_block, cols);
  const std::size_t scratch_size = static_cast<std::size_t>(block) * static_cast<std::size_t>(cols);
  std::vector<double> reflectors(scratch_size);
  std::vector<double> work(scratch_size);
  int info = 0;
  dtpqrt_(&rows, &cols, &rectangular, &block, r, &cols, a, &rows, reflectors.data(), &block, work.data(),
          &info);
  check("dtpqrt", info);
}

std::vector<double> singular_values(std::int64_t n, std::span<double> matrix) {
  const int size = order(n);
  const int unused = 1;
  std::vector<double> values(static_cast<std::size_t>(n));
  std::vector<int> integer_work(8 * values.size());
  double work_size = 0;
  int lwork = -1;
  int info = 0;
  const auto call = [&](double* work) {
    dgesdd_("N", &size, &size, matrix.data(), &size, values.data(), nullptr, &unused, nullptr, &unused, work,
            &lwork, integer_work.data(), &info, 1);
    check("dgesdd", info);
  };
  call(&work_size);
  lwork = workspace(work_size);
  call(std::vector<double>(static_cast<std::size_t>(lwork)).data());
  return values;
}

std::vector<double> singular_values(Bidiagonal matrix) {
  const int size = order(std::ssize(matrix.diagonal));
  const int vectors = 0;
  const int unused = 1;
  std::vector<double> work(4 * matrix.diagonal.size());
  int info = 0;
  dbdsqr_("U", &size, &vectors, &vectors, &vectors, matrix.diagonal.data(), matrix.superdiagonal.data(),
          nullptr, &unused, nullptr, &unused, nullptr, &unused, work.data(), &info, 1);
  check("dbdsqr", info);
  return std::move(matrix.diagonal);
}

}  // namespace alphahill::lapack
