/// Kernels as the CPU runs them: block after block, the lanes of a block by turns.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "gpu.hpp"

namespace emulated {

/// @param host_function  what a program passes to launch the kernel
/// @param name  its mangled name
void register_kernel(const void* host_function, const std::string& name);

/// A launch, with copies of the arguments.
Work work_of(const void* host_function, dim3 grid, dim3 block, void** arguments);

}  // namespace emulated
