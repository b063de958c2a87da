/// The part of the GPU backend that calls CUDA: a shared library beside the program, loaded where a GPU is asked
/// for, as CUDA's libraries take a tenth of a second to load and are not on every node.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

/// The functions of the library, with the meaning and the errors of those in cuda_edge.hpp and cuda_queue.hpp.
struct CudaLibrary {
  int (*device_count)();
  std::string (*use_device)(int device);
  std::string (*uuid_of)(int device);
  std::size_t (*free_memory)();
  std::unique_ptr<DeviceQueue> (*make_queue)(int device);
};

/// What the library exports, by this name.
using CudaLibraryEntry = const CudaLibrary*();
inline constexpr const char* cuda_library_entry = "alphahill_cuda_library";

/// Loaded at the first call. @throws Error(system) where it is not there or lacks one of CUDA's libraries
const CudaLibrary& cuda_library();

}  // namespace alphahill
