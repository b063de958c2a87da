/// Spectra on a device, with the CPU for what the device cannot do.
#pragma once

#include <memory>

#include "alphahill/spectrum/backend.hpp"
#include "device_budget.hpp"
#include "device_queue.hpp"

namespace alphahill {

/// From this order on a Gram matrix is reduced to a band on the device, and the CPU does the rest while the
/// device is at the next layer; smaller ones go to the device's own eigenvalue solver. Never measured on
/// hardware: taken from published rates (a solver of 2 TFLOP/s in one stage) and our own chase on 8 cores.
/// tools/check-gpu measures both ways at each order.
inline constexpr std::int64_t usual_first_order_by_band = 8192;

/// A layer goes to the CPU where the device has too little memory for it, where eigenvalues do not converge
/// there, and where they do not add up; every further layer of all backends that share the budget does when
/// the device has failed. Each of these is logged, and the method of each spectrum says where it was
/// computed. A team of several ranks computes on its CPUs.
///
/// @param budget  shared by the backends of this process on the device
std::unique_ptr<Backend> make_device_backend(std::unique_ptr<DeviceQueue> queue,
                                             std::shared_ptr<DeviceBudget> budget,
                                             std::int64_t first_order_by_band);

/// Bytes that a layer takes on the device at its peak.
std::int64_t device_bytes(const StoredMatrix& matrix);

}  // namespace alphahill
