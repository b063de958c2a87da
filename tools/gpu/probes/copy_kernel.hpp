/// A copy of a matrix by a kernel of our own, to compare the runtime's with.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace alphahill {

/// Columns of a matrix in column-major order to memory without gaps.
struct MatrixCopy {
  std::int64_t rows;
  std::int64_t cols;
  const double* from;
  std::int64_t leading_dimension;
  double* to;
};

cudaError_t launch_copy(const MatrixCopy& copy, cudaStream_t stream);

}  // namespace alphahill
