#include "spectrum/backends/device/cuda_edge.hpp"

#include <fmt/format.h>

#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill::cuda {

namespace {

[[noreturn]] void mark_lost(const char* call, const std::string& reason) {
  cudaGetLastError();  // what is not sticky must not be found again by a later call
  const bool answers = cudaDeviceSynchronize() == cudaSuccess;
  throw DeviceError(answers ? DeviceError::Extent::this_layer : DeviceError::Extent::device_lost, call,
                    reason);
}

template <class Mode>
void require(const char* call, Mode found, Mode expected) {
  if (found == expected) return;
  throw DeviceError(
      DeviceError::Extent::this_layer, call,
      fmt::format("the mode stays {} instead of {}", static_cast<int>(found), static_cast<int>(expected)));
}

/// Of the calls that are made here; the library has no function for it.
std::string name_of(cusolverStatus_t status) {
#define ALPHAHILL_NAME_STATUS(status) \
  case status:                        \
    return #status;
  switch (status) {
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_NOT_INITIALIZED)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_ALLOC_FAILED)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_INVALID_VALUE)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_ARCH_MISMATCH)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_MAPPING_ERROR)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_EXECUTION_FAILED)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_INTERNAL_ERROR)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_MATRIX_TYPE_NOT_SUPPORTED)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_NOT_SUPPORTED)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_INVALID_LICENSE)
    ALPHAHILL_NAME_STATUS(CUSOLVER_STATUS_INVALID_WORKSPACE)
    default:
      return fmt::format("cusolverStatus_t {}", static_cast<int>(status));
  }
#undef ALPHAHILL_NAME_STATUS
}

}  // namespace

void check(const char* call, cudaError_t code) {
  if (code == cudaSuccess) return;
  mark_lost(call, fmt::format("{} ({})", cudaGetErrorString(code), cudaGetErrorName(code)));
}

void check(const char* call, cublasStatus_t code) {
  if (code != CUBLAS_STATUS_SUCCESS) mark_lost(call, cublasGetStatusString(code));
}

void check(const char* call, cusolverStatus_t code) {
  if (code != CUSOLVER_STATUS_SUCCESS) mark_lost(call, name_of(code));
}

int device_count() {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaSuccess && count > 0) return count;
  const std::string reason = code == cudaSuccess ? "none found" : cudaGetErrorString(code);
  throw Error(Fault::system, "--device cuda",
              "this node has no GPU that can be used; use --device cpu (CUDA: " + reason + ")");
}

std::string use_device(int device) {
  check("cudaSetDevice", cudaSetDevice(device));
  cudaDeviceProp properties{};
  check("cudaGetDeviceProperties", cudaGetDeviceProperties(&properties, device));
  constexpr double gibibyte = 1 << 30;
  return fmt::format("{} (cuda:{}, {:.0f} GiB)", properties.name, device,
                     static_cast<double>(properties.totalGlobalMem) / gibibyte);
}

std::string uuid_of(int device) {
  cudaDeviceProp properties{};
  check("cudaGetDeviceProperties", cudaGetDeviceProperties(&properties, device));
  std::string digits;
  for (const char byte : properties.uuid.bytes)
    digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

void pin_arithmetic(cublasHandle_t blas, cusolverDnHandle_t solver) {
  check("cublasSetMathMode", cublasSetMathMode(blas, CUBLAS_DEFAULT_MATH));
  check("cusolverDnSetDeterministicMode",
        cusolverDnSetDeterministicMode(solver, CUSOLVER_DETERMINISTIC_RESULTS));
#ifdef ALPHAHILL_HAS_SOLVER_MATH_MODE
  check("cusolverDnSetMathMode", cusolverDnSetMathMode(solver, CUSOLVER_DEFAULT_MATH));
#endif
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  check("cublasGetMathMode", cublasGetMathMode(blas, &math));
  require("cublasSetMathMode", math, CUBLAS_DEFAULT_MATH);
  cusolverDeterministicMode_t bits = CUSOLVER_DETERMINISTIC_RESULTS;
  check("cusolverDnGetDeterministicMode", cusolverDnGetDeterministicMode(solver, &bits));
  require("cusolverDnSetDeterministicMode", bits, CUSOLVER_DETERMINISTIC_RESULTS);
}

std::size_t free_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check("cudaMemGetInfo", cudaMemGetInfo(&free, &total));
  return free;
}

}  // namespace alphahill::cuda
