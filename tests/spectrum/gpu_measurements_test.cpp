/// The GPU's benchmark on a device that the host emulates.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "gpu/measurements.hpp"
#include "support/device_ways.hpp"
#include "support/host_backend.hpp"

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
  HostDevice device;
  const std::array ways{always_together, always_alone, always_band};
  const auto layers = measure_layer(queues_of(device), {130, 70}, 1, ways);
  ASSERT_EQ(layers.size(), ways.size());
  for (const LayerTimes& times : layers) {
    EXPECT_GT(times.device, 0);
    EXPECT_GT(times.cpu, 0);
    EXPECT_EQ(times.cpu, layers[0].cpu);
    EXPECT_LT(times.eigenvalues, 1e-12);
    EXPECT_LT(times.alpha, 1e-12);
  }
}

TEST(GpuMeasurements, SmallMatricesGoTogetherAndAlone) {
  HostDevice device;
  HostQueue queue(device);
  const SolverTimes times = measure_small(queue, 20, 5, 2);
  EXPECT_TRUE(times.together > 0 && times.alone > 0);
  EXPECT_EQ(device.batches, (std::vector<std::int64_t>{5, 5}));
}

TEST(GpuMeasurements, ABlockIsAnalysedByLanesOnTheDevice) {
  HostDevice device;
  const auto make_queue = queues_of(device);
  const std::array shapes{MatrixShape{60, 90}, MatrixShape{90, 60}, MatrixShape{70, 70}};
  const std::array settings{BlockSetting{1, always_alone}, BlockSetting{2, always_band}};
  std::vector<int> lanes;
  const auto found = [&](const BlockSetting& setting, double seconds) {
    EXPECT_GT(seconds, 0);
    lanes.push_back(setting.lanes);
  };
  measure_block(make_queue, shapes, 2, settings, found);
  EXPECT_EQ(lanes, (std::vector<int>{1, 2}));
  device.memory = 1000;
  EXPECT_THROW(measure_block(make_queue, shapes, 1, settings, found), Error);
}

TEST(GpuMeasurements, FiguresOfTheCpuAreNotTakenForTheDevices) {
  HostDevice device;
  device.solver_error = 1e-6;
  const std::array ways{always_alone};
  EXPECT_THROW(measure_layer(queues_of(device), {130, 70}, 1, ways), Error);
}

}  // namespace
}  // namespace alphahill
