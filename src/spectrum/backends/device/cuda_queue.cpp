#include "spectrum/backends/device/cuda_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "spectrum/backends/device/cast_kernels.hpp"
#include "spectrum/backends/device/cuda_edge.hpp"
#include "spectrum/backends/device/cuda_memory.hpp"
#include "spectrum/backends/device/kept_buffers.hpp"

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

void* page_locked(std::int64_t bytes) {
  void* memory = nullptr;
  check("cudaMallocHost",
        cudaMallocHost(&memory, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1))));
  return memory;
}

/// What the solver is to be given besides the matrix.
struct Workspace {
  std::size_t on_device = 0;
  std::size_t on_host = 0;
};

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
    cuda::pin_arithmetic(blas_.get(), solver_.get());
  }

  void begin_here() override { check("cudaSetDevice", cudaSetDevice(device_)); }

  void* allocate(std::int64_t bytes) override {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
    void* const memory = memory_.allocate(size);
    const cudaError_t code = cudaMemsetAsync(memory, 0, size, stream_.get());
    if (code != cudaSuccess) release(memory);
    check("cudaMemsetAsync", code);
    return memory;
  }
  void release(void* memory) noexcept override { memory_.release(memory); }

  void* allocate_on_host(std::int64_t bytes) override { return on_host_.take(bytes); }
  void release_on_host(void* memory) noexcept override {
    cudaStreamSynchronize(stream_.get());
    on_host_.release(memory);
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

  std::int64_t solver_bytes(std::int64_t n) override {
    return static_cast<std::int64_t>(workspace_of_solver(n, n).on_device);
  }
  std::vector<double> eigenvalues(std::int64_t n, Result a) override {
    const DeviceArray<double> values(*this, n);
    const Workspace needed = workspace_of_solver(n, a.leading_dimension);
    const DeviceArray<std::byte> workspace(*this, static_cast<std::int64_t>(needed.on_device));
    std::vector<std::byte> host_workspace(needed.on_host);
    const DeviceArray<int> info(*this, 1);
    check("cusolverDnXsyevd",
          cusolverDnXsyevd(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                           CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a.values, a.leading_dimension, CUDA_R_64F,
                           values.get(), CUDA_R_64F, workspace.get(), needed.on_device, host_workspace.data(),
                           needed.on_host, info.get()));
    if (const int failed = info.downloaded()[0]; failed != 0) {
      throw DeviceError(DeviceError::Extent::this_layer, "cusolverDnXsyevd",
                        fmt::format("failed with info = {}", failed));
    }
    return values.downloaded();
  }

#ifdef ALPHAHILL_HAS_SYEV_BATCHED
  std::int64_t solver_bytes_of_all(std::int64_t n, std::int64_t count) override {
    return static_cast<std::int64_t>(workspace_of_batch(n, count).on_device);
  }
  std::vector<double> eigenvalues_of_all(std::int64_t n, std::int64_t count, double* a) override {
    const DeviceArray<double> values(*this, n * count);
    const Workspace needed = workspace_of_batch(n, count);
    const DeviceArray<std::byte> workspace(*this, static_cast<std::int64_t>(needed.on_device));
    std::vector<std::byte> host_workspace(needed.on_host);
    const DeviceArray<int> info(*this, count);
    check("cusolverDnXsyevBatched",
          cusolverDnXsyevBatched(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                 CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a, n, CUDA_R_64F, values.get(),
                                 CUDA_R_64F, workspace.get(), needed.on_device, host_workspace.data(),
                                 needed.on_host, info.get(), count));
    return without_failed(values.downloaded(), info.downloaded());
  }
#endif

 private:
  static constexpr double zero = 0;
  static constexpr double one = 1;
  static constexpr double minus_one = -1;

  Workspace workspace_of_solver(std::int64_t n, std::int64_t leading_dimension) const {
    Workspace needed;
    check("cusolverDnXsyevd_bufferSize",
          cusolverDnXsyevd_bufferSize(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                      CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, placeholder_.get(),
                                      leading_dimension, CUDA_R_64F, placeholder_.get(), CUDA_R_64F,
                                      &needed.on_device, &needed.on_host));
    return needed;
  }

#ifdef ALPHAHILL_HAS_SYEV_BATCHED
  Workspace workspace_of_batch(std::int64_t n, std::int64_t count) const {
    Workspace needed;
    check("cusolverDnXsyevBatched_bufferSize",
          cusolverDnXsyevBatched_bufferSize(solver_.get(), parameters_.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                            CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, placeholder_.get(), n,
                                            CUDA_R_64F, placeholder_.get(), CUDA_R_64F, &needed.on_device,
                                            &needed.on_host, count));
    return needed;
  }
#endif

  const cuda::Event& event(int slot) const {
    return events_.at(static_cast<std::size_t>(slot));
  }

  void copy_matrix(std::int64_t rows, std::int64_t cols, Operand from, Result to, cudaMemcpyKind kind) {
    check("cudaMemcpy2DAsync", cudaMemcpy2DAsync(to.values, in_bytes(to.leading_dimension), from.values,
                                                 in_bytes(from.leading_dimension), in_bytes(rows),
                                                 static_cast<std::size_t>(cols), kind, stream_.get()));
  }

  int device_;
  cuda::Stream stream_{"cudaStreamCreateWithFlags"};
  CudaMemory memory_{device_, stream_.get()};
  DeviceArray<double> placeholder_{*this, 1};  ///< for a matrix whose workspace is asked for
  KeptBuffers on_host_{page_locked, [](void* memory) { cudaFreeHost(memory); }};
  std::array<cuda::Event, slots> events_{cuda::Event("cudaEventCreateWithFlags"),
                                         cuda::Event("cudaEventCreateWithFlags")};
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
