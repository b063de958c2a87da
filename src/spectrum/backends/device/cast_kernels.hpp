/// The kernels that cast a block of stored weights on the GPU and survey it.
#pragma once

#include <cuda_runtime_api.h>

#include "spectrum/backends/device/block_cast.hpp"

namespace alphahill {

/// Launches what `block_cast.hpp` describes on a stream; returns the launch's error.
cudaError_t launch_cast(const BlockCast& block, const BlockSurvey& survey, cudaStream_t stream);

}  // namespace alphahill
