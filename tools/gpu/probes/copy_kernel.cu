#include "gpu/probes/copy_kernel.hpp"

namespace alphahill {

namespace {

__global__ void copy_columns(MatrixCopy copy) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t col = blockIdx.y;
  if (row < copy.rows) copy.to[row + col * copy.rows] = copy.from[row + col * copy.leading_dimension];
}

}  // namespace

cudaError_t launch_copy(const MatrixCopy& copy, cudaStream_t stream) {
  constexpr int lanes = 256;
  cudaLaunchConfig_t launch{};
  launch.gridDim =
      dim3(static_cast<unsigned>((copy.rows + lanes - 1) / lanes), static_cast<unsigned>(copy.cols));
  launch.blockDim = lanes;
  launch.stream = stream;
  return cudaLaunchKernelEx(&launch, copy_columns, copy);
}

}  // namespace alphahill
