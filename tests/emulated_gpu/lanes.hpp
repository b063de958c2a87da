/// The words of CUDA C++ that our kernels use, for lanes that are fibers of one thread.
#pragma once

#include <cuda_runtime.h>

#include <functional>

/// Of the lane that runs.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;

namespace emulated {

/// Runs the kernel on every lane of every block. Ends the program where lanes of a block wait for each other
/// at different lines; in which order they run, is drawn anew at each meeting.
void run_blocks(dim3 blocks, dim3 threads, const std::function<void()>& kernel);

/// Returns when every lane of the block has come to this line.
void meet(int line);

/// Of the lane that is `distance` further in the warp; this lane's own value where there is none.
double shuffled_down(double value, int distance, int line);

}  // namespace emulated

#undef __global__
#undef __device__
#undef __shared__
#define __global__
#define __device__
#define __shared__ static
#define __syncthreads() emulated::meet(__LINE__)
#define __shfl_down_sync(mask, value, distance) emulated::shuffled_down(value, distance, __LINE__)
