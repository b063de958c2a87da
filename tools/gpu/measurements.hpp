/// How fast a device computes spectra, stage by stage, and how far its figures are from the CPU's.
#pragma once

#include <cstdint>
#include <memory>

#include "spectrum/device/device_queue.hpp"

namespace alphahill {

struct MatrixShape {
  std::int64_t rows;
  std::int64_t cols;
};

/// Seconds of the stages of a decomposition, the best of several.
struct StageTimes {
  double product_rate;  ///< flops a second of a square dgemm of the layer's order
  double gram;          ///< from weights in fp64 on the device
  double solver;        ///< the device's own eigenvalue solver
  double band;          ///< reduction to a band on the device
  double band_end;      ///< from there to eigenvalues, on one core of the CPU
};
StageTimes measure_stages(DeviceQueue& queue, const MatrixShape& shape, int repetitions);

/// A whole decomposition, from stored bf16 weights in memory of the host to eigenvalues.
struct LayerTimes {
  double device;       ///< seconds, the best of several
  double cpu;          ///< seconds of one core of the CPU
  double eigenvalues;  ///< largest relative difference from the CPU's in the tail of a tenth
  double alpha;        ///< relative difference from the CPU's
};
/// @param by_band  instead of by the device's own solver
LayerTimes measure_layer(std::unique_ptr<DeviceQueue> queue, const MatrixShape& shape, int repetitions,
                         bool by_band);

/// Flops of a decomposition: m n^2 + 4/3 n^3.
double flops(const MatrixShape& shape);

}  // namespace alphahill
