/// The functions of the CUDA runtime that alphahill calls.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>

#include "gpu.hpp"
#include "kernels.hpp"

using emulated::Event;
using emulated::Gpu;
using emulated::Stream;

namespace {

Gpu& gpu() {
  return Gpu::the();
}

Stream& of(cudaStream_t stream) {
  return *reinterpret_cast<Stream*>(stream);
}

Event& of(cudaEvent_t event) {
  return *reinterpret_cast<Event*>(event);
}

void require_pools() {
  if (!gpu().has_pools()) throw cudaErrorNotSupported;
}

void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (kind != cudaMemcpyDeviceToHost) gpu().touch(to, bytes);
  if (kind != cudaMemcpyHostToDevice) gpu().touch(from, bytes);
  std::memcpy(to, from, bytes);
}

}  // namespace

extern "C" {

cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
const char* cudaGetErrorName(cudaError_t) {
  return "emulated";
}
const char* cudaGetErrorString(cudaError_t code) {
  return code == cudaErrorIllegalAddress ? "an illegal memory access was encountered" : "as asked for";
}

cudaError_t cudaGetDeviceCount(int* count) {
  return gpu().call(__func__, [&] { *count = gpu().devices(); });
}
cudaError_t cudaSetDevice(int device) {
  return gpu().call(__func__, [&] {
    if (device >= gpu().devices()) throw cudaErrorInvalidDevice;
  });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return gpu().call(__func__, [&] {
    std::strcpy(properties->name, "emulated GPU");
    properties->totalGlobalMem = gpu().memory();
    properties->uuid.bytes[0] = static_cast<char>(device);
  });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  return gpu().call(__func__, [&] {
    if (attribute != cudaDevAttrMemoryPoolsSupported) throw cudaErrorInvalidValue;
    *value = gpu().has_pools() ? 1 : 0;
  });
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return gpu().call(__func__, [&] { *free = gpu().free_memory(), *total = gpu().memory(); });
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  return gpu().call(__func__, [&] {
    require_pools();
    *pool = reinterpret_cast<cudaMemPool_t>(&gpu());
  });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) {
  return gpu().call(__func__, [] {});
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return gpu().call(__func__, [] {});
}

cudaError_t cudaDeviceSynchronize() {
  return gpu().call(__func__, [] { gpu().finish(); });
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return gpu().call(__func__, [&] { *stream = reinterpret_cast<cudaStream_t>(gpu().make_stream()); });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return gpu().call(__func__, [&] { gpu().drop(&of(stream)); });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return gpu().call(__func__, [&] {
    if (stream != nullptr) of(stream).finish();  // work of the default stream is done where it is asked for
  });
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return gpu().call(__func__, [&] {
    if (flags != cudaEventDisableTiming) throw cudaErrorInvalidValue;
    *event = reinterpret_cast<cudaEvent_t>(new Event);
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return gpu().call(__func__, [&] { *event = reinterpret_cast<cudaEvent_t>(new Event{.timed = true}); });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return gpu().call(__func__, [&] { delete &of(event); });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return gpu().call(__func__, [&] {
    Event& it = of(event);
    if (it.timed) of(stream).ask([&it] { it.time = std::chrono::steady_clock::now(); });
    it.stream = &of(stream);
    it.place = of(stream).end();
  });
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return gpu().call(__func__, [&] {
    if (!of(start).timed || !of(end).timed) throw cudaErrorInvalidValue;
    *milliseconds = std::chrono::duration<float, std::milli>(of(end).time - of(start).time).count();
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return gpu().call(__func__, [&] {
    if (of(event).stream != nullptr) of(event).stream->do_until(of(event).place);
  });
}

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) {
  return gpu().call(__func__, [&] {
    require_pools();
    *memory = gpu().allocate(bytes);
  });
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  return gpu().call(__func__, [&] {
    require_pools();
    of(stream).ask([=] { gpu().release(memory); });
  });
}
cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return gpu().call(__func__, [&] { *memory = gpu().allocate(bytes); });
}
cudaError_t cudaFree(void* memory) {
  return gpu().call(__func__, [&] {
    gpu().finish();
    gpu().release(memory);
  });
}
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return gpu().call(__func__, [&] { *memory = std::malloc(bytes); });
}
cudaError_t cudaFreeHost(void* memory) {
  return gpu().call(__func__, [&] {
    gpu().finish();
    std::free(memory);
  });
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return gpu().call(__func__, [&] {
    of(stream).ask([=] {
      gpu().touch(memory, bytes);
      std::memset(memory, value, bytes);
    });
  });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return gpu().call(__func__, [&] { of(stream).ask([=] { copy(to, from, bytes, kind); }); });
}
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  return gpu().call(__func__, [&] {
    gpu().finish();
    const Gpu::Access access;
    gpu().touch(memory, bytes);
    std::memset(memory, value, bytes);
  });
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return gpu().call(__func__, [&] {
    gpu().finish();
    const Gpu::Access access;
    copy(to, from, bytes, kind);
  });
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  return gpu().call(__func__, [&] {
    if (width > to_pitch || width > from_pitch) throw cudaErrorInvalidPitchValue;
    of(stream).ask([=] {
      for (std::size_t i = 0; i < height; ++i) {
        copy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width,
             kind);
      }
    });
  });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* launch, const void* kernel, void** arguments) {
  return gpu().call(__func__, [&] {
    of(launch->stream).ask(emulated::work_of(kernel, launch->gridDim, launch->blockDim, arguments));
  });
}
void** __cudaRegisterFatBinary(void*) {
  static void* handle;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char* host_function, char*, const char* name, int, void*, void*,
                            void*, void*, int*) {
  emulated::register_kernel(host_function, name);
}
}
