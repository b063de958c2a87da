#include "spectrum/backends/device/cuda_edge.hpp"

#include <fmt/format.h>

#include <array>

#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill::cuda {

namespace {

[[noreturn]] void mark_lost(const char* call, const std::string& reason) {
  cudaGetLastError();  // what is not sticky must not be found again by a later call
  const bool answers = cudaDeviceSynchronize() == cudaSuccess;
  throw DeviceError(answers ? DeviceError::Extent::this_layer : DeviceError::Extent::device_lost, call,
                    reason);
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
  if (code != CUSOLVER_STATUS_SUCCESS)
    mark_lost(call, fmt::format("cusolverStatus_t {}", static_cast<int>(code)));
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

std::string bus_of(int device) {
  std::array<char, 32> bus{};
  check("cudaDeviceGetPCIBusId", cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), device));
  return bus.data();
}

std::size_t free_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check("cudaMemGetInfo", cudaMemGetInfo(&free, &total));
  return free;
}

}  // namespace alphahill::cuda
