/// The functions of cuBLAS and cuSOLVER that alphahill calls.
#include <cublas_v2.h>
#include <cusolverDn.h>

#include <Eigen/Eigenvalues>
#include <limits>

#include "alphahill/base/environment.hpp"
#include "gpu.hpp"

namespace {

using emulated::Gpu;
using emulated::Stream;
using Matrix = Eigen::Map<Eigen::MatrixXd, 0, Eigen::OuterStride<>>;
using ConstMatrix = Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>>;

/// cuBLAS and cuSOLVER have the same handle here. It computes only once its arithmetic has been pinned.
struct Handle {
  Stream* stream = nullptr;
  bool pinned = false;
};

template <class Opaque>
Stream& stream_of(Opaque handle) {
  const auto& it = *reinterpret_cast<Handle*>(handle);
  if (!it.pinned) throw cudaErrorInvalidValue;
  return *it.stream;
}

template <class Opaque>
void pin(Opaque handle) {
  reinterpret_cast<Handle*>(handle)->pinned = true;
}

template <class Opaque>
void make(Opaque* handle) {
  *handle = reinterpret_cast<Opaque>(new Handle);
}

template <class Opaque>
void destroy(Opaque handle) {
  delete reinterpret_cast<Handle*>(handle);
}

template <class Opaque>
void set_stream(Opaque handle, cudaStream_t stream) {
  reinterpret_cast<Handle*>(handle)->stream = reinterpret_cast<Stream*>(stream);
}

/// What the libraries call success, a lack of memory, a value that is not possible, and all else.
template <class Status>
struct Statuses {
  Status success, no_memory, invalid_value, failed;

  Status call(const char* function, const emulated::Work& work) const {
    switch (Gpu::the().call(function, work)) {
      case cudaSuccess:
        return success;
      case cudaErrorMemoryAllocation:
        return no_memory;
      case cudaErrorInvalidValue:
        return invalid_value;
      default:
        return failed;
    }
  }
};
constexpr Statuses<cublasStatus_t> blas{CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_ALLOC_FAILED,
                                        CUBLAS_STATUS_INVALID_VALUE, CUBLAS_STATUS_EXECUTION_FAILED};
constexpr Statuses<cusolverStatus_t> solver{CUSOLVER_STATUS_SUCCESS, CUSOLVER_STATUS_ALLOC_FAILED,
                                            CUSOLVER_STATUS_INVALID_VALUE, CUSOLVER_STATUS_INTERNAL_ERROR};

void require(bool valid) {
  if (!valid) throw cudaErrorInvalidValue;
}

/// A matrix as cuBLAS is told of it.
struct Argument {
  const double* values;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t leading_dimension;

  Argument(const double* a, std::int64_t m, std::int64_t n, std::int64_t lda)
      : values(a), rows(m), cols(n), leading_dimension(lda) {
    require(m >= 0 && n >= 0 && lda >= std::max<std::int64_t>(m, 1));
  }
  /// op(A) is m x n.
  Argument(const double* a, std::int64_t m, std::int64_t n, std::int64_t lda, cublasOperation_t op)
      : Argument(a, op == CUBLAS_OP_N ? m : n, op == CUBLAS_OP_N ? n : m, lda) {}

  ConstMatrix touched() const {
    Gpu::the().touch(values, rows, cols, leading_dimension);
    return {values, rows, cols, Eigen::OuterStride<>(leading_dimension)};
  }
  Eigen::MatrixXd operated(cublasOperation_t op) const {
    if (op == CUBLAS_OP_N) return touched();
    return touched().transpose();
  }
};

/// C := keep C + sum, all of it or its lower triangle.
void store(const Argument& c, double keep, const Eigen::MatrixXd& sum, bool lower = false) {
  c.touched();
  Matrix target(const_cast<double*>(c.values), c.rows, c.cols, Eigen::OuterStride<>(c.leading_dimension));
  for (std::int64_t col = 0; col < c.cols; ++col) {
    for (std::int64_t row = lower ? col : 0; row < c.rows; ++row) {
      target(row, col) = sum(row, col) + (keep == 0 ? 0 : keep * target(row, col));
    }
  }
}

constexpr std::size_t solver_bytes = 1000;

/// Leaves NaN where the matrix was, as what is destroyed may be anything.
void decompose(std::int64_t n, double* a, std::int64_t lda, double* values, int* info) {
  const Argument matrix(a, n, n, lda);
  const Eigen::MatrixXd lower = matrix.touched();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> found(lower, Eigen::EigenvaluesOnly);
  Gpu::the().touch(values, n, 1, n);
  Gpu::the().touch(info, sizeof(int));
  std::copy_n(found.eigenvalues().data(), n, values);
  *info = 0;
  store(matrix, 0, Eigen::MatrixXd::Constant(n, n, std::numeric_limits<double>::quiet_NaN()));
}

void decompose_all(cusolverDnHandle_t handle, std::int64_t n, void* a, std::int64_t lda, void* w,
                   void* workspace, std::size_t bytes, void* host_workspace, std::size_t host_bytes,
                   int* info, std::int64_t count) {
  require(bytes >= solver_bytes && host_bytes >= solver_bytes && host_workspace != nullptr && lda >= n);
  stream_of(handle).ask([=] {
    Gpu::the().touch(workspace, solver_bytes);
    for (std::int64_t i = 0; i < count; ++i) {
      decompose(n, static_cast<double*>(a) + i * n * lda, lda, static_cast<double*>(w) + i * n, info + i);
    }
  });
}

void ask_for_workspace(std::size_t* on_device, std::size_t* on_host) {
  *on_device = solver_bytes;
  *on_host = solver_bytes;
}

}  // namespace

extern "C" {

const char* cublasGetStatusString(cublasStatus_t) {
  return "a status of the emulated GPU";
}
cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  return blas.call("cublasCreate", [&] { make(handle); });
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  return blas.call("cublasDestroy", [&] { destroy(handle); });
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return blas.call("cublasSetStream", [&] { set_stream(handle, stream); });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return blas.call("cublasSetMathMode", [&] {
    require(mode == CUBLAS_DEFAULT_MATH);
    pin(handle);
  });
}
cublasStatus_t cublasGetMathMode(cublasHandle_t, cublasMath_t* mode) {
  return blas.call("cublasGetMathMode", [&] {
    const bool emulates = alphahill::environment("EMULATED_GPU_MATH", "0") != "0";
    *mode = emulates ? CUBLAS_FP64_EMULATED_FIXEDPOINT_MATH : CUBLAS_DEFAULT_MATH;
  });
}

cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                              std::int64_t m, std::int64_t n, std::int64_t k, const double* alpha,
                              const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
                              const double* beta, double* c, std::int64_t ldc) {
  return blas.call("cublasDgemm", [&] {
    const Argument left(a, m, k, lda, op_a);
    const Argument right(b, k, n, ldb, op_b);
    const Argument result(c, m, n, ldc);
    stream_of(handle).ask([=, factor = *alpha, keep = *beta] {
      store(result, keep, factor * left.operated(op_a) * right.operated(op_b));
    });
  });
}
cublasStatus_t cublasDsyrk_64(cublasHandle_t handle, cublasFillMode_t uplo, cublasOperation_t op,
                              std::int64_t n, std::int64_t k, const double* alpha, const double* a,
                              std::int64_t lda, const double* beta, double* c, std::int64_t ldc) {
  return blas.call("cublasDsyrk", [&] {
    const Argument factor(a, n, k, lda, op);
    const Argument result(c, n, n, ldc);
    require(uplo == CUBLAS_FILL_MODE_LOWER);
    stream_of(handle).ask([=, scale = *alpha, keep = *beta] {
      const Eigen::MatrixXd operated = factor.operated(op);
      store(result, keep, scale * operated * operated.transpose(), true);
    });
  });
}
cublasStatus_t cublasDsyr2k_64(cublasHandle_t handle, cublasFillMode_t uplo, cublasOperation_t op,
                               std::int64_t n, std::int64_t k, const double* alpha, const double* a,
                               std::int64_t lda, const double* b, std::int64_t ldb, const double* beta,
                               double* c, std::int64_t ldc) {
  return blas.call("cublasDsyr2k", [&] {
    const Argument one(a, n, k, lda, op);
    const Argument other(b, n, k, ldb, op);
    const Argument result(c, n, n, ldc);
    require(uplo == CUBLAS_FILL_MODE_LOWER);
    stream_of(handle).ask([=, scale = *alpha, keep = *beta] {
      const Eigen::MatrixXd product = one.operated(op) * other.operated(op).transpose();
      store(result, keep, scale * (product + product.transpose()), true);
    });
  });
}
cublasStatus_t cublasDsymm_64(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo,
                              std::int64_t m, std::int64_t n, const double* alpha, const double* a,
                              std::int64_t lda, const double* b, std::int64_t ldb, const double* beta,
                              double* c, std::int64_t ldc) {
  return blas.call("cublasDsymm", [&] {
    const Argument symmetric(a, n, n, lda);
    const Argument left(b, m, n, ldb);
    const Argument result(c, m, n, ldc);
    require(side == CUBLAS_SIDE_RIGHT && uplo == CUBLAS_FILL_MODE_LOWER);
    stream_of(handle).ask([=, scale = *alpha, keep = *beta] {
      const Eigen::MatrixXd full = symmetric.touched().selfadjointView<Eigen::Lower>();
      store(result, keep, scale * left.touched() * full);
    });
  });
}
cublasStatus_t cublasDdot_64(cublasHandle_t handle, std::int64_t n, const double* x, std::int64_t x_distance,
                             const double* y, std::int64_t y_distance, double* result) {
  return blas.call("cublasDdot", [&] {
    stream_of(handle).ask([=] {
      Gpu::the().touch(x, 1, n, x_distance);
      Gpu::the().touch(y, 1, n, y_distance);
      long double sum = 0;  // as exact as the many partial sums of a device
      for (std::int64_t i = 0; i < n; ++i) sum += x[i * x_distance] * y[i * y_distance];
      *result = static_cast<double>(sum);
    });
    stream_of(handle).finish();
  });
}

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  return solver.call("cusolverDnCreate", [&] { make(handle); });
}
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  return solver.call("cusolverDnDestroy", [&] { destroy(handle); });
}
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  return solver.call("cusolverDnSetStream", [&] { set_stream(handle, stream); });
}
cusolverStatus_t cusolverDnSetDeterministicMode(cusolverDnHandle_t handle, cusolverDeterministicMode_t mode) {
  return solver.call("cusolverDnSetDeterministicMode", [&] {
    require(mode == CUSOLVER_DETERMINISTIC_RESULTS);
    pin(handle);
  });
}
cusolverStatus_t cusolverDnGetDeterministicMode(cusolverDnHandle_t, cusolverDeterministicMode_t* mode) {
  return solver.call("cusolverDnGetDeterministicMode", [&] { *mode = CUSOLVER_DETERMINISTIC_RESULTS; });
}
cusolverStatus_t cusolverDnSetMathMode(cusolverDnHandle_t, cusolverMathMode_t mode) {
  return solver.call("cusolverDnSetMathMode", [&] { require(mode == CUSOLVER_DEFAULT_MATH); });
}
cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t*) {
  return solver.call("cusolverDnCreateParams", [] {});
}
cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t) {
  return solver.call("cusolverDnDestroyParams", [] {});
}
cusolverStatus_t cusolverDnXsyevd_bufferSize(cusolverDnHandle_t, cusolverDnParams_t, cusolverEigMode_t,
                                             cublasFillMode_t, std::int64_t, cudaDataType, const void*,
                                             std::int64_t, cudaDataType, const void*, cudaDataType,
                                             std::size_t* on_device, std::size_t* on_host) {
  return solver.call("cusolverDnXsyevd_bufferSize", [&] { ask_for_workspace(on_device, on_host); });
}
cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t, cusolverEigMode_t jobz,
                                  cublasFillMode_t uplo, std::int64_t n, cudaDataType type, void* a,
                                  std::int64_t lda, cudaDataType, void* w, cudaDataType, void* workspace,
                                  std::size_t bytes, void* host_workspace, std::size_t host_bytes,
                                  int* info) {
  return solver.call("cusolverDnXsyevd", [&] {
    require(jobz == CUSOLVER_EIG_MODE_NOVECTOR && uplo == CUBLAS_FILL_MODE_LOWER && type == CUDA_R_64F);
    decompose_all(handle, n, a, lda, w, workspace, bytes, host_workspace, host_bytes, info, 1);
  });
}
cusolverStatus_t cusolverDnXsyevBatched_bufferSize(cusolverDnHandle_t, cusolverDnParams_t, cusolverEigMode_t,
                                                   cublasFillMode_t, std::int64_t, cudaDataType, const void*,
                                                   std::int64_t, cudaDataType, const void*, cudaDataType,
                                                   std::size_t* on_device, std::size_t* on_host,
                                                   std::int64_t) {
  return solver.call("cusolverDnXsyevBatched_bufferSize", [&] { ask_for_workspace(on_device, on_host); });
}
cusolverStatus_t cusolverDnXsyevBatched(cusolverDnHandle_t handle, cusolverDnParams_t, cusolverEigMode_t jobz,
                                        cublasFillMode_t uplo, std::int64_t n, cudaDataType type, void* a,
                                        std::int64_t lda, cudaDataType, void* w, cudaDataType,
                                        void* workspace, std::size_t bytes, void* host_workspace,
                                        std::size_t host_bytes, int* info, std::int64_t count) {
  return solver.call("cusolverDnXsyevBatched", [&] {
    require(jobz == CUSOLVER_EIG_MODE_NOVECTOR && uplo == CUBLAS_FILL_MODE_LOWER && type == CUDA_R_64F);
    decompose_all(handle, n, a, lda, w, workspace, bytes, host_workspace, host_bytes, info, count);
  });
}
}
