#include "spectrum/backends/device/cuda_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "spectrum/backends/device/cast_kernels.hpp"
#include "spectrum/backends/device/cuda_edge.hpp"

namespace alphahill {

namespace {

using cuda::check;
using lapack::Operand;
using lapack::Result;

constexpr int slots = 2;

cublasOperation_t operation(const Operand& operand) {
  return operand.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

std::size_t in_bytes(std::int64_t values) {
  return static_cast<std::size_t>(values) * sizeof(double);
}

#ifdef ALPHAHILL_HAS_SYEV_BATCHED
/// NaN for the eigenvalues of matrices whose info is not 0.
std::vector<double> without_failed(std::vector<double> values, const std::vector<int>& info) {
  const std::size_t order = values.size() / info.size();
  for (std::size_t i = 0; i < info.size(); ++i) {
    if (info[i] == 0) continue;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i * order), order,
                std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}
#endif

class CudaQueue final : public DeviceQueue {
 public:
  explicit CudaQueue(int device) : device_(device) {
    check("cublasSetStream", cublasSetStream(blas_.get(), stream_.get()));
    check("cusolverDnSetStream", cusolverDnSetStream(solver_.get(), stream_.get()));
    keep_freed_memory();
  }

  void begin_here() override { check("cudaSetDevice", cudaSetDevice(device_)); }

  void* allocate(std::int64_t bytes) override {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
    void* memory = nullptr;
    cudaError_t code = cudaMallocAsync(&memory, size, stream_.get());
    if (code == cudaErrorMemoryAllocation) {
      free_fragments();
      code = cudaMallocAsync(&memory, size, stream_.get());
    }
    check("cudaMallocAsync", code);
    code = cudaMemsetAsync(memory, 0, size, stream_.get());
    if (code != cudaSuccess) release(memory);
    check("cudaMemsetAsync", code);
    return memory;
  }
  void release(void* memory) noexcept override { cudaFreeAsync(memory, stream_.get()); }

  void* allocate_on_host(std::int64_t bytes) override {
    void* memory = nullptr;
    check("cudaMallocHost",
          cudaMallocHost(&memory, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1))));
    return memory;
  }
  void release_on_host(void* memory) noexcept override {
    cudaStreamSynchronize(stream_.get());
    cudaFreeHost(memory);
  }

  void upload(const void* from, void* to, std::int64_t bytes) override {
    check("cudaMemcpyAsync",
          cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_.get()));
  }
  void download(const void* from, void* to, std::int64_t bytes) override {
    check("cudaMemcpyAsync",
          cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_.get()));
    wait();
  }
  void download(std::int64_t rows, std::int64_t cols, Operand from, Result to) override {
    copy_matrix(rows, cols, from, to, cudaMemcpyDeviceToHost);
    wait();
  }
  void copy(std::int64_t rows, std::int64_t cols, Operand from, Result to) override {
    copy_matrix(rows, cols, from, to, cudaMemcpyDeviceToDevice);
  }
  void mark(int slot) override {
    check("cudaEventRecord", cudaEventRecord(event(slot).get(), stream_.get()));
  }
  void await(int slot) override { check("cudaEventSynchronize", cudaEventSynchronize(event(slot).get())); }
  void wait() override { check("cudaStreamSynchronize", cudaStreamSynchronize(stream_.get())); }

  void cast(const BlockCast& block, const BlockSurvey& survey) override {
    check("launch_cast", launch_cast(block, survey, stream_.get()));
  }

  void add_gram(std::int64_t n, std::int64_t k, Operand a, Result g) override {
    check("cublasDsyrk", cublasDsyrk_64(blas_.get(), CUBLAS_FILL_MODE_LOWER, operation(a), n, k, &one,
                                        a.values, a.leading_dimension, &one, g.values, g.leading_dimension));
  }
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, Operand a, Operand b,
                double keep, Result c) override {
    check("cublasDgemm", cublasDgemm_64(blas_.get(), operation(a), operation(b), m, n, k, &factor, a.values,
                                        a.leading_dimension, b.values, b.leading_dimension, &keep, c.values,
                                        c.leading_dimension));
  }
  void multiply_symmetric(std::int64_t n, std::int64_t vectors, Operand a, const double* v,
                          double* y) override {
    check("cublasDsymm", cublasDsymm_64(blas_.get(), CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_LOWER, vectors, n,
                                        &one, a.values, a.leading_dimension, v, vectors, &zero, y, vectors));
  }
  void subtract_rank_2k(std::int64_t n, std::int64_t k, const double* v, const double* w, Result c) override {
    check("cublasDsyr2k", cublasDsyr2k_64(blas_.get(), CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T, n, k, &minus_one,
                                          v, k, w, k, &one, c.values, c.leading_dimension));
  }
  double squared_norm(std::int64_t count, const double* values, std::int64_t distance) override {
    double sum = 0;
    check("cublasDdot", cublasDdot_64(blas_.get(), count, values, distance, values, distance, &sum));
    return sum;
  }

  std::vector<double> eigenvalues(std::int64_t n, Result a) override {
    std::size_t device_bytes = 0;
    std::size_t host_bytes = 0;
    const DeviceArray<double> values(*this, n);
    check("cusolverDnXsyevd_bufferSize",
          cusolverDnXsyevd_bufferSize(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                      CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a.values, a.leading_dimension,
                                      CUDA_R_64F, values.get(), CUDA_R_64F, &device_bytes, &host_bytes));
    const DeviceArray<std::byte> workspace(*this, static_cast<std::int64_t>(device_bytes));
    std::vector<std::byte> host_workspace(host_bytes);
    const DeviceArray<int> info(*this, 1);
    check(
        "cusolverDnXsyevd",
        cusolverDnXsyevd(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER,
                         n, CUDA_R_64F, a.values, a.leading_dimension, CUDA_R_64F, values.get(), CUDA_R_64F,
                         workspace.get(), device_bytes, host_workspace.data(), host_bytes, info.get()));
    if (const int failed = info.downloaded()[0]; failed != 0) {
      throw DeviceError(DeviceError::Extent::this_layer, "cusolverDnXsyevd",
                        fmt::format("failed with info = {}", failed));
    }
    return values.downloaded();
  }

#ifdef ALPHAHILL_HAS_SYEV_BATCHED
  std::vector<double> eigenvalues_of_all(std::int64_t n, std::int64_t count, double* a) override {
    std::size_t device_bytes = 0;
    std::size_t host_bytes = 0;
    const DeviceArray<double> values(*this, n * count);
    check("cusolverDnXsyevBatched_bufferSize",
          cusolverDnXsyevBatched_bufferSize(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                            CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a, n, CUDA_R_64F,
                                            values.get(), CUDA_R_64F, &device_bytes, &host_bytes, count));
    const DeviceArray<std::byte> workspace(*this, static_cast<std::int64_t>(device_bytes));
    std::vector<std::byte> host_workspace(host_bytes);
    const DeviceArray<int> info(*this, count);
    check("cusolverDnXsyevBatched",
          cusolverDnXsyevBatched(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                 CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a, n, CUDA_R_64F, values.get(),
                                 CUDA_R_64F, workspace.get(), device_bytes, host_workspace.data(), host_bytes,
                                 info.get(), count));
    return without_failed(values.downloaded(), info.downloaded());
  }
#endif

 private:
  static constexpr double zero = 0;
  static constexpr double one = 1;
  static constexpr double minus_one = -1;

  /// Layer after layer needs the same memory: what is freed stays at hand.
  void keep_freed_memory() {
    check("cudaDeviceGetDefaultMemPool", cudaDeviceGetDefaultMemPool(&memory_pool_, device_));
    std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
    check("cudaMemPoolSetAttribute",
          cudaMemPoolSetAttribute(memory_pool_, cudaMemPoolAttrReleaseThreshold, &threshold));
  }

  /// What is freed and kept may lie in pieces that are all too small.
  void free_fragments() {
    cudaGetLastError();
    wait();
    check("cudaMemPoolTrimTo", cudaMemPoolTrimTo(memory_pool_, 0));
  }

  const cuda::Event& event(int slot) const {
    return events_.at(static_cast<std::size_t>(slot));
  }

  void copy_matrix(std::int64_t rows, std::int64_t cols, Operand from, Result to, cudaMemcpyKind kind) {
    check("cudaMemcpy2DAsync", cudaMemcpy2DAsync(to.values, in_bytes(to.leading_dimension), from.values,
                                                 in_bytes(from.leading_dimension), in_bytes(rows),
                                                 static_cast<std::size_t>(cols), kind, stream_.get()));
  }

  int device_;
  cudaMemPool_t memory_pool_ = nullptr;
  cuda::Stream stream_{"cudaStreamCreateWithFlags"};
  std::array<cuda::Event, slots> events_{cuda::Event("cudaEventCreate"), cuda::Event("cudaEventCreate")};
  cuda::Blas blas_{"cublasCreate"};
  cuda::Solver solver_{"cusolverDnCreate"};
  cuda::SolverParameters parameters_{"cusolverDnCreateParams"};
};

}  // namespace

std::unique_ptr<DeviceQueue> make_cuda_queue(int device) {
  cuda::use_device(device);
  return std::make_unique<CudaQueue>(device);
}

}  // namespace alphahill
