/// How fast a device computes spectra, stage by stage, and how far its figures are from the CPU's.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "spectrum/backends/device/device_backend.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

struct MatrixShape {
  std::int64_t rows;
  std::int64_t cols;

  auto operator<=>(const MatrixShape&) const = default;
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

/// Seconds from stored bf16 weights in memory of the host to eigenvalues, the best of several.
double measure_path(const MakeQueue& make_queue, const MatrixShape& shape, int repetitions, DeviceWays ways);

/// A whole decomposition, as by measure_path().
struct LayerTimes {
  double device;       ///< seconds
  double cpu;          ///< seconds of one core of the CPU
  double eigenvalues;  ///< largest relative difference from the CPU's in the tail of a tenth
  double alpha;        ///< relative difference from the CPU's
};
/// One for each of the ways; the CPU decomposes the layer once.
std::vector<LayerTimes> measure_layer(const MakeQueue& make_queue, const MatrixShape& shape, int repetitions,
                                      std::span<const DeviceWays> ways);

/// Seconds of the device's own solver for `count` matrices of order n, the best of several.
struct SolverTimes {
  double together;  ///< by one call
  double alone;     ///< by a call each
};
SolverTimes measure_small(DeviceQueue& queue, std::int64_t n, std::int64_t count, int repetitions);

/// How the layers of a block are analysed: so many at a time, by these ways.
struct BlockSetting {
  int lanes;
  DeviceWays ways;
};
/// Seconds for layers of bf16 weights at fp32, fp16 and bf16, the best of several, of each setting.
/// @param make_queue  for each lane
/// @param found  called as soon as a setting is measured
void measure_block(const MakeQueue& make_queue, std::span<const MatrixShape> shapes, int repetitions,
                   std::span<const BlockSetting> settings,
                   const std::function<void(const BlockSetting&, double seconds)>& found);

}  // namespace alphahill
