/// What the shared library of CUDA's callers exports.
#include "spectrum/backends/device/cuda_edge.hpp"
#include "spectrum/backends/device/cuda_library.hpp"
#include "spectrum/backends/device/cuda_queue.hpp"

extern "C" __attribute__((visibility("default"))) alphahill::CudaLibraryEntry alphahill_cuda_library;

const alphahill::CudaLibrary* alphahill_cuda_library() {
  using namespace alphahill;
  static constexpr CudaLibrary library{cuda::device_count, cuda::use_device, cuda::uuid_of, cuda::free_memory,
                                       make_cuda_queue};
  return &library;
}
