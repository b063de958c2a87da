/// A library to be loaded before OpenBLAS, one routine of which computes wrong, as a kernel for another
/// processor may: it does what it should, and then changes one value of the result.
///
///   WRONG_BLAS_ROUTINE  its name, without "cblas_" or "_"
///   WRONG_BLAS_FROM     the first order at which it is wrong; 0 where not set
///   WRONG_BLAS_CHANGES  a file that gets one byte for each value that is changed
#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

namespace {

bool wrong(std::string_view routine, int order) {
  const char* chosen = std::getenv("WRONG_BLAS_ROUTINE");
  const char* from = std::getenv("WRONG_BLAS_FROM");
  return chosen != nullptr && routine == chosen && order >= (from == nullptr ? 0 : std::atoi(from));
}

template <class Routine>
Routine* right(const char* symbol) {
  return reinterpret_cast<Routine*>(dlsym(RTLD_NEXT, symbol));
}

void change(double& value) {
  value = value * 1.25 + 1e-3;
  if (const char* changes = std::getenv("WRONG_BLAS_CHANGES")) std::ofstream(changes, std::ios::app) << '.';
}

/// An entry of the lower triangle of a matrix in column-major order.
double& entry_below(double* matrix, int rows, int cols, int leading_dimension) {
  return matrix[static_cast<long>(cols / 3) * leading_dimension + rows - 1];
}

}  // namespace

extern "C" {

void cblas_dgemm(int order, int a_op, int b_op, int m, int n, int k, double alpha, const double* a, int lda,
                 const double* b, int ldb, double beta, double* c, int ldc) {
  right<decltype(cblas_dgemm)>("cblas_dgemm")(order, a_op, b_op, m, n, k, alpha, a, lda, b, ldb, beta, c,
                                              ldc);
  if (wrong("dgemm", m > n ? m : n)) change(entry_below(c, m, n, ldc));
}

void cblas_dsyrk(int order, int triangle, int op, int n, int k, double alpha, const double* a, int lda,
                 double beta, double* c, int ldc) {
  right<decltype(cblas_dsyrk)>("cblas_dsyrk")(order, triangle, op, n, k, alpha, a, lda, beta, c, ldc);
  if (wrong("dsyrk", n)) change(entry_below(c, n, n, ldc));
}

void cblas_dsyr2k(int order, int triangle, int op, int n, int k, double alpha, const double* a, int lda,
                  const double* b, int ldb, double beta, double* c, int ldc) {
  right<decltype(cblas_dsyr2k)>("cblas_dsyr2k")(order, triangle, op, n, k, alpha, a, lda, b, ldb, beta, c,
                                                ldc);
  if (wrong("dsyr2k", n)) change(entry_below(c, n, n, ldc));
}

void cblas_dgemv(int order, int op, int m, int n, double alpha, const double* a, int lda, const double* x,
                 int x_step, double beta, double* y, int y_step) {
  right<decltype(cblas_dgemv)>("cblas_dgemv")(order, op, m, n, alpha, a, lda, x, x_step, beta, y, y_step);
  if (wrong("dgemv", m < n ? m : n)) change(*y);
}

double cblas_ddot(int n, const double* x, int x_step, const double* y, int y_step) {
  double sum = right<decltype(cblas_ddot)>("cblas_ddot")(n, x, x_step, y, y_step);
  if (wrong("ddot", n)) change(sum);
  return sum;
}

void dsytrd_(const char* triangle, const int* n, double* a, const int* lda, double* d, double* e, double* tau,
             double* work, const int* lwork, int* info, std::size_t length) {
  right<decltype(dsytrd_)>("dsytrd_")(triangle, n, a, lda, d, e, tau, work, lwork, info, length);
  if (wrong("dsytrd", *n)) change(*e);
}

void dgeqrt_(const int* m, const int* n, const int* nb, double* a, const int* lda, double* t, const int* ldt,
             double* work, int* info) {
  right<decltype(dgeqrt_)>("dgeqrt_")(m, n, nb, a, lda, t, ldt, work, info);
  if (wrong("dgeqrt", *m)) change(*a);
}

void dtpqrt_(const int* m, const int* n, const int* l, const int* nb, double* a, const int* lda, double* b,
             const int* ldb, double* t, const int* ldt, double* work, int* info) {
  right<decltype(dtpqrt_)>("dtpqrt_")(m, n, l, nb, a, lda, b, ldb, t, ldt, work, info);
  if (wrong("dtpqrt", *n)) change(*a);
}

void dgesdd_(const char* job, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork,
             int* info, std::size_t length) {
  right<decltype(dgesdd_)>("dgesdd_")(job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info,
                                      length);
  if (*lwork != -1 && wrong("dgesdd", *n)) change(s[*n / 2]);
}

}  // extern "C"
