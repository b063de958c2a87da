/// The edge to CUDA: its calls are checked and throw with their name, its objects are RAII types.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusolverDn.h>

#include <string>

namespace alphahill::cuda {

/// @throws DeviceError: for good where the device does not answer any more, else for this layer (libraries
/// call a lack of memory by several names)
void check(const char* call, cudaError_t code);
void check(const char* call, cublasStatus_t code);
void check(const char* call, cusolverStatus_t code);

/// Devices of this node. @throws Error(system) where there is no driver, or no device
int device_count();

/// Makes a device that of the calling thread. @return "NVIDIA H100 (cuda:0, 79 GiB)"
std::string use_device(int device);

/// "0000:41:00.0": the same device for every process of the node, whatever number it has there.
std::string bus_of(int device);

/// Bytes that are free on the device of the calling thread.
std::size_t free_memory();

/// Owns a handle that C functions make and destroy.
template <class Handle, auto create, auto destroy>
class Owned {
 public:
  explicit Owned(const char* call) { check(call, create(&handle_)); }
  ~Owned() { destroy(handle_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  Handle get() const { return handle_; }

 private:
  Handle handle_{};
};

/// Does not wait for work on the default stream.
inline cudaError_t create_stream(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking);
}

using Stream = Owned<cudaStream_t, create_stream, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventCreate, cudaEventDestroy>;
using Blas = Owned<cublasHandle_t, cublasCreate, cublasDestroy>;
using Solver = Owned<cusolverDnHandle_t, cusolverDnCreate, cusolverDnDestroy>;
using SolverParameters = Owned<cusolverDnParams_t, cusolverDnCreateParams, cusolverDnDestroyParams>;

}  // namespace alphahill::cuda
