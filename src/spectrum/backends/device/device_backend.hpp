/// Spectra on a device, with the CPU for what the device cannot do.
#pragma once

#include <memory>

#include "alphahill/spectrum/backend.hpp"
#include "spectrum/backends/device/device_budget.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

/// How Gram matrices are decomposed, by their order. Never measured on hardware: the first is a guess, the
/// second is taken from published rates (a solver of 2 TFLOP/s in one stage) and our own chase on 8 cores.
/// tools/check-gpu measures all ways at each order.
struct DeviceWays {
  /// Smaller ones wait for each other, and go to the device's own solver together; others go alone.
  std::int64_t first_alone = 512;
  /// From here on they are reduced to a band on the device, and the CPU does the rest while the device is at
  /// the next layer.
  std::int64_t first_by_band = 8192;
  /// Larger ones go by the band whatever the others say: the device's own solver has been seen to fail from an order of
  /// 25,000 on (NVIDIA/CUDALibrarySamples issue 246).
  std::int64_t last_by_solver = 20000;

  enum class Way { together, alone, band };
  Way of(std::int64_t order) const {
    if (order >= first_by_band || order > last_by_solver) return Way::band;
    return order < first_alone ? Way::together : Way::alone;
  }
};

/// A layer goes to the CPU where the device has too little memory for it, where a call fails, and where
/// eigenvalues do not converge or do not add up; every further layer of all backends that share the
/// budget does when the device has failed. Each of these is logged, and the method of each spectrum says
/// where it was computed. A team of several ranks computes on its CPUs.
///
/// @param make_queue  called when the first layer is there, and again for the next where that failed
/// @param budget  shared by the backends of this process on the device
std::unique_ptr<Backend> make_device_backend(MakeQueue make_queue, std::shared_ptr<DeviceBudget> budget,
                                             DeviceWays ways);

/// Bytes that a layer takes on the device of the queue at its peak.
std::int64_t device_bytes(const WeightShape& shape, DeviceQueue& queue, const DeviceWays& ways);

}  // namespace alphahill
