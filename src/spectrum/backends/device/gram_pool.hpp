/// Gram matrices of small layers that wait on a device, to be decomposed together.
#pragma once

#include <exception>
#include <memory>
#include <vector>

#include "alphahill/spectrum/backend.hpp"
#include "spectrum/backends/device/device_budget.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

/// A symmetric matrix on a device, zero when made; the lower triangle counts.
struct DeviceGram {
  DeviceGram(DeviceQueue& queue, std::int64_t n) : order(n), values(queue, n * n) {}

  std::int64_t order;
  DeviceArray<double> values;

  lapack::Result matrix() const { return {values.get(), order}; }
};

class GramPool {
 public:
  explicit GramPool(DeviceQueue& queue) : queue_(queue) {}

  /// @param claim  of the memory of the matrix and once more as much, at least
  /// @return finishes by decomposing all that wait where it still waits itself; throws what went wrong with them
  std::unique_ptr<Reduction> add(std::unique_ptr<DeviceGram> gram,
                                 std::unique_ptr<DeviceBudget::Claim> claim);
  /// Decomposes all that wait, and gives their memory back.
  void decompose();

 private:
  struct Outcome {
    GramSpectrum spectrum;
    std::exception_ptr error;
  };
  class Pooled;
  struct Waiting {
    std::unique_ptr<DeviceBudget::Claim> claim;
    std::unique_ptr<DeviceGram> gram;
    std::shared_ptr<Outcome> outcome;
  };
  std::vector<double> eigenvalues_of(const std::vector<Waiting>& grams);

  DeviceQueue& queue_;
  std::vector<Waiting> waiting_;  ///< of one order
};

}  // namespace alphahill
