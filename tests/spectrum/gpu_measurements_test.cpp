/// The GPU's benchmark on a device that the host plays.
#include <gtest/gtest.h>

#include <cmath>

#include "gpu/measurements.hpp"
#include "support/host_queue.hpp"

namespace alphahill {
namespace {

TEST(GpuMeasurements, EveryStageTakesTime) {
  HostDevice device;
  HostQueue queue(device);
  const StageTimes times = measure_stages(queue, {90, 60}, 2);
  for (const double figure : {times.product_rate, times.gram, times.solver, times.band, times.band_end}) {
    EXPECT_GT(figure, 0);
    EXPECT_TRUE(std::isfinite(figure));
  }
}

TEST(GpuMeasurements, ALayerIsComparedWithTheCpu) {
  for (const bool by_band : {false, true}) {
    HostDevice device;
    const LayerTimes times = measure_layer(std::make_unique<HostQueue>(device), {130, 70}, 1, by_band);
    EXPECT_GT(times.device, 0);
    EXPECT_GT(times.cpu, 0);
    EXPECT_LT(times.eigenvalues, 1e-12);
    EXPECT_LT(times.alpha, 1e-12);
  }
}

TEST(GpuMeasurements, FiguresOfTheCpuAreNotTakenForTheDevices) {
  HostDevice device;
  device.solver_error = 1e-6;
  EXPECT_THROW(measure_layer(std::make_unique<HostQueue>(device), {130, 70}, 1, false), Error);
}

}  // namespace
}  // namespace alphahill
