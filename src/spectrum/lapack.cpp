#include "lapack.hpp"

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>

#include "alphahill/base/checked.hpp"

extern "C" {
void dsytrd_sy2sb_(const char* uplo, const int* n, const int* kd, double* a, const int* lda, double* ab,
                   const int* ldab, double* tau, double* work, const int* lwork, int* info, std::size_t);
void dsytrd_sb2st_(const char* stage1, const char* vect, const char* uplo, const int* n, const int* kd,
                   double* ab, const int* ldab, double* d, double* e, double* hous, const int* lhous,
                   double* work, const int* lwork, int* info, std::size_t, std::size_t, std::size_t);
void dsytrd_(const char* uplo, const int* n, double* a, const int* lda, double* d, double* e, double* tau,
             double* work, const int* lwork, int* info, std::size_t);
void dsterf_(const int* n, double* d, double* e, int* info);
void dtpqrt_(const int* m, const int* n, const int* l, const int* nb, double* a, const int* lda, double* b,
             const int* ldb, double* t, const int* ldt, double* work, int* info);
void dgesdd_(const char* jobz, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork,
             int* info, std::size_t);
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

struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> off_diagonal;

  explicit Tridiagonal(int n)
      : diagonal(static_cast<std::size_t>(n)), off_diagonal(static_cast<std::size_t>(n)) {}

  std::vector<double> eigenvalues() && {
    const int n = order(static_cast<std::int64_t>(diagonal.size()));
    int info = 0;
    dsterf_(&n, diagonal.data(), off_diagonal.data(), &info);
    check("dsterf", info);
    return std::move(diagonal);
  }
};

/// The band of a symmetric matrix: column j holds its entries from the diagonal down, `width` + 1 of them.
std::vector<double> reduce_to_band(int n, int width, std::span<double> matrix) {
  const int band_rows = width + 1;
  std::vector<double> band(static_cast<std::size_t>(band_rows) * static_cast<std::size_t>(n));
  std::vector<double> tau(static_cast<std::size_t>(n));
  double size = 0;
  int lwork = -1;
  int info = 0;
  const auto call = [&](double* work) {
    dsytrd_sy2sb_("L", &n, &width, matrix.data(), &n, band.data(), &band_rows, tau.data(), work, &lwork,
                  &info, 1);
    check("dsytrd_sy2sb", info);
  };
  call(&size);
  lwork = workspace(size);
  call(std::vector<double>(static_cast<std::size_t>(lwork)).data());
  return band;
}

Tridiagonal chase_band(int n, int width, std::span<double> band) {
  const int band_rows = width + 1;
  Tridiagonal result(n);
  double work_size = 0;
  double reflectors_size = 0;
  int lwork = -1;
  int lreflectors = -1;
  int info = 0;
  const auto call = [&](double* reflectors, double* work) {
    dsytrd_sb2st_("Y", "N", "L", &n, &width, band.data(), &band_rows, result.diagonal.data(),
                  result.off_diagonal.data(), reflectors, &lreflectors, work, &lwork, &info, 1, 1, 1);
    check("dsytrd_sb2st", info);
  };
  call(&reflectors_size, &work_size);
  lwork = workspace(work_size);
  lreflectors = workspace(reflectors_size);
  call(std::vector<double>(static_cast<std::size_t>(lreflectors)).data(),
       std::vector<double>(static_cast<std::size_t>(lwork)).data());
  return result;
}

}  // namespace

void add_gram(std::int64_t n, std::int64_t k, const double* a, bool transposed, double beta, double* g) {
  const int rows = order(n);
  const int depth = order(k);
  cblas_dsyrk(CblasColMajor, CblasLower, transposed ? CblasTrans : CblasNoTrans, rows, depth, 1.0, a,
              transposed ? depth : rows, beta, g, rows);
}

std::vector<double> two_stage_eigenvalues(std::int64_t n, std::int64_t band_width, std::span<double> matrix) {
  const int size = order(n);
  const int width = order(band_width);
  std::vector<double> band = reduce_to_band(size, width, matrix);
  return chase_band(size, width, band).eigenvalues();
}

std::vector<double> one_stage_eigenvalues(std::int64_t n, std::span<double> matrix) {
  const int size = order(n);
  Tridiagonal result(size);
  std::vector<double> tau(result.diagonal.size());
  double work_size = 0;
  int lwork = -1;
  int info = 0;
  const auto call = [&](double* work) {
    dsytrd_("L", &size, matrix.data(), &size, result.diagonal.data(), result.off_diagonal.data(), tau.data(),
            work, &lwork, &info, 1);
    check("dsytrd", info);
  };
  call(&work_size);
  lwork = workspace(work_size);
  call(std::vector<double>(static_cast<std::size_t>(lwork)).data());
  return std::move(result).eigenvalues();
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

}  // namespace alphahill::lapack
