/// A queue of work on a CUDA device: a stream with its cuBLAS and cuSOLVER handles.
#pragma once

#include <memory>

#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

std::unique_ptr<DeviceQueue> make_cuda_queue(int device);

}  // namespace alphahill
