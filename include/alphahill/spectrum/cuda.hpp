/// GPUs for spectra, where that is built in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

/// GPUs that this process sees, one at least.
/// @throws Error(system) when CUDA is not built in, or there is no driver or no GPU
int cuda_devices();

struct CudaDevice {
  int number;        ///< among those that this process sees
  std::string name;  ///< "NVIDIA H100 (cuda:0, 79 GiB)"
  std::string uuid;  ///< the same for every process of the node; slices of a device have each their own
};

/// @throws Error(system) when CUDA is not built in or there is no such device
CudaDevice find_cuda_device(int number);

/// What makes backends, each for one thread; those of a process share this rank's part of the
/// device's memory.
/// @param ranks  that use the device
std::function<std::unique_ptr<Backend>()> cuda_backends(const CudaDevice& device, int ranks);

}  // namespace alphahill
