#include "alphahill/spectrum/cuda.hpp"
#include "spectrum/backends/device/cuda_library.hpp"
#include "spectrum/backends/device/device_backend.hpp"

namespace alphahill {

namespace {

/// What cuBLAS, cuSOLVER and the fragments between allocations take.
constexpr double usable_part = 0.9;

}  // namespace

int cuda_devices() {
  return cuda_library().device_count();
}

CudaDevice find_cuda_device(int number) {
  const int devices = cuda_devices();
  if (number < devices) return {number, cuda_library().use_device(number), cuda_library().uuid_of(number)};
  throw Error(Fault::system, "--device cuda:" + std::to_string(number),
              "the last GPU of this node is cuda:" + std::to_string(devices - 1));
}

std::function<std::unique_ptr<Backend>()> cuda_backends(const CudaDevice& device, int ranks) {
  const double bytes = usable_part * static_cast<double>(cuda_library().free_memory()) / ranks;
  const auto budget = std::make_shared<DeviceBudget>(static_cast<std::int64_t>(bytes));
  return [number = device.number, budget] {
    return make_device_backend([number] { return cuda_library().make_queue(number); }, budget, DeviceWays{});
  };
}

}  // namespace alphahill
