/// Spectra on a device that the host emulates.
#pragma once

#include <memory>

#include "support/device_ways.hpp"
#include "support/host_queue.hpp"

namespace alphahill {

inline MakeQueue queues_of(HostDevice& device) {
  return [&device] { return std::make_unique<HostQueue>(device); };
}

inline std::unique_ptr<Backend> backend_on(HostDevice& device, DeviceWays ways = always_alone) {
  return make_device_backend(queues_of(device), std::make_shared<DeviceBudget>(device.memory), ways);
}

/// That a layer takes at its peak.
inline std::int64_t bytes_on(HostDevice& device, const WeightShape& shape, DeviceWays ways = always_alone) {
  HostQueue queue(device);
  return device_bytes(shape, queue, ways);
}

}  // namespace alphahill
