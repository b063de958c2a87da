#include "spectrum/backends/device/cuda_memory.hpp"

#include <cstdint>
#include <limits>

#include "spectrum/backends/device/cuda_edge.hpp"

namespace alphahill {

namespace {

using cuda::check;

bool has_pools(int device) {
  int supported = 0;
  check("cudaDeviceGetAttribute",
        cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device));
  return supported != 0;
}

template <class Value>
void set(cudaMemPool_t pool, cudaMemPoolAttr attribute, Value value) {
  check("cudaMemPoolSetAttribute", cudaMemPoolSetAttribute(pool, attribute, &value));
}

}  // namespace

CudaMemory::CudaMemory(int device, cudaStream_t stream) : stream_(stream) {
  if (!has_pools(device)) return;
  check("cudaDeviceGetDefaultMemPool", cudaDeviceGetDefaultMemPool(&pool_, device));
  set(pool_, cudaMemPoolAttrReleaseThreshold, std::numeric_limits<std::uint64_t>::max());
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
}

void* CudaMemory::allocate(std::size_t bytes) const {
  void* memory = nullptr;
  cudaError_t code = try_to_allocate(&memory, bytes);
  if (code == cudaErrorMemoryAllocation) {
    reclaim();
    code = try_to_allocate(&memory, bytes);
  }
  check(pool_ == nullptr ? "cudaMalloc" : "cudaMallocAsync", code);
  return memory;
}

void CudaMemory::release(void* memory) const noexcept {
  if (pool_ == nullptr) {
    cudaFree(memory);
  } else {
    cudaFreeAsync(memory, stream_);
  }
}

cudaError_t CudaMemory::try_to_allocate(void** memory, std::size_t bytes) const {
  return pool_ == nullptr ? cudaMalloc(memory, bytes) : cudaMallocAsync(memory, bytes, stream_);
}

void CudaMemory::reclaim() const {
  cudaGetLastError();
  check("cudaDeviceSynchronize", cudaDeviceSynchronize());
  if (pool_ != nullptr) check("cudaMemPoolTrimTo", cudaMemPoolTrimTo(pool_, 0));
}

}  // namespace alphahill
