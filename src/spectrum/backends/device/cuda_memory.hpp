/// Memory of a device for the work of one stream.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace alphahill {

/// From the device's pool, which all streams of the process share; from the device itself where it has no pool. What
/// is freed stays in the pool, as layer after layer needs the same; no stream waits for the work of another to have
/// memory that this one freed.
class CudaMemory {
 public:
  CudaMemory(int device, cudaStream_t stream);

  /// Where there is too little, once more when the work of all streams is done and all that they freed is together.
  void* allocate(std::size_t bytes) const;
  void release(void* memory) const noexcept;

 private:
  cudaError_t try_to_allocate(void** memory, std::size_t bytes) const;
  void reclaim() const;

  cudaStream_t stream_;
  cudaMemPool_t pool_ = nullptr;  ///< null where the device has none
};

}  // namespace alphahill
