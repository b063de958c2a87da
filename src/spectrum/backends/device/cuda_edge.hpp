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

/// 32 hexadecimal digits: the same device for every process of the node, whatever number it has there. Slices of one
/// device (MIG) have each their own.
std::string uuid_of(int device);

/// Bytes that are free on the device of the calling thread.
std::size_t free_memory();

/// Products and decompositions in fp64 as the device does it itself, never emulated by integers, and with the same
/// bits each time; whatever the libraries' variables of the environment say.
/// @throws DeviceError(this_layer) where a library does not keep to it
void pin_arithmetic(cublasHandle_t blas, cusolverDnHandle_t solver);

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

/// Only for its place in a stream: it keeps no time.
inline cudaError_t create_event(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDisableTiming);
}

using Stream = Owned<cudaStream_t, create_stream, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, create_event, cudaEventDestroy>;
using Blas = Owned<cublasHandle_t, cublasCreate, cublasDestroy>;
using Solver = Owned<cusolverDnHandle_t, cusolverDnCreate, cusolverDnDestroy>;
using SolverParameters = Owned<cusolverDnParams_t, cusolverDnCreateParams, cusolverDnDestroyParams>;

}  // namespace alphahill::cuda
