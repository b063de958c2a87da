/// A queue of work on a CUDA device: a stream with its cuBLAS and cuSOLVER handles.
#pragma once

#include <memory>

#include "device_queue.hpp"

namespace alphahill {

/// To be used by the thread that makes it, as is all that it hands out.
std::unique_ptr<DeviceQueue> make_cuda_queue(int device);

}  // namespace alphahill
