/// Layers on a device that the host emulates: the CPU's figures, and who takes over when the device fails. What can be
/// asked of any device alike (many blocks, shares, NaN and Inf), gpu_test.cpp asks, on the emulated GPU too.
#include "spectrum/backends/device/device_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "support/captured_log.hpp"
#include "support/coded_matrix.hpp"
#include "support/figures.hpp"
#include "support/host_backend.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

class DeviceBackend : public testing::TestWithParam<DeviceWays> {
 protected:
  HostDevice device;
};
INSTANTIATE_TEST_SUITE_P(Ways, DeviceBackend, testing::Values(always_together, always_alone, always_band),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(DeviceBackend, GivesTheFiguresOfTheCpu) {
  const auto backend = backend_on(device, GetParam());
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                                   {2, 5},
                                   {24, 24},
                                   {25, 40},
                                   {403, 211},
                                   {211, 403},
                                   {700, 700}}) {
    const RowMajor matrix = random_matrix(rows, cols, 1);
    expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen_gpu);
  }
  EXPECT_EQ(device.used, 0) << "all of its memory is released";
}

TEST_P(DeviceBackend, GetsCodesDecoded) {
  const auto backend = backend_on(device, GetParam());
  for (const ElementFormat values : {ElementFormat::fp32, ElementFormat::fp64}) {
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{300, 200}, {200, 300}, {90, 30001}}) {
      const CodedMatrix matrix(rows, cols, values);
      expect_figures_of_cpu(figures_of(matrix, *backend), matrix, Method::gram_eigen_gpu);
    }
  }
}

TEST_P(DeviceBackend, TakesNoMoreMemoryThanItClaims) {
  const RowMajor matrix = random_matrix(500, 2000, 3);
  figures_of(stored(matrix), *backend_on(device, GetParam()));
  EXPECT_LE(device.most_used, bytes_on(device, stored(matrix).shape(), GetParam()));
}

TEST_F(DeviceBackend, GivesTheSolverNoMatrixThatIsTooLargeForIt) {
  device.before = [](const std::string& operation) { EXPECT_NE(operation, "eigenvalues"); };
  const RowMajor matrix = random_matrix(60, 51, 3);
  for (DeviceWays ways : {always_together, always_alone}) {
    ways.last_by_solver = 50;
    expect_figures_of_cpu(figures_of(stored(matrix), *backend_on(device, ways)), stored(matrix),
                          Method::gram_eigen_gpu);
  }
}

TEST_F(DeviceBackend, ALayerThatDoesNotFitIsDoneOnTheCpuAndTheNextOnTheDeviceAgain) {
  const CapturedLog log;
  const RowMajor large = random_matrix(400, 400, 6);
  const RowMajor small = random_matrix(100, 100, 6);
  device.memory = bytes_on(device, stored(large).shape()) - 1;
  const auto backend = backend_on(device);
  expect_figures_of_cpu(figures_of(stored(large), *backend), stored(large), Method::gram_eigen);
  EXPECT_THAT(log.text(),
              HasSubstr("400 x 400 layer is computed on the CPU instead of the GPU: memory of the GPU"));
  expect_figures_of_cpu(figures_of(stored(small), *backend), stored(small), Method::gram_eigen_gpu);
}

TEST_F(DeviceBackend, ALayerForWhichAnAllocationFailsIsDoneOnTheCpu) {
  const CapturedLog log;
  const RowMajor matrix = random_matrix(100, 100, 7);
  const auto budget = std::make_shared<DeviceBudget>(device.memory);
  const auto backend = make_device_backend(queues_of(device), budget, always_alone);
  device.memory = bytes_on(device, stored(matrix).shape()) / 2;
  expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen);
  EXPECT_THAT(log.text(), HasSubstr("allocate: out of memory"));
  EXPECT_EQ(device.used, 0);
}

TEST_F(DeviceBackend, AQueueThatCannotBeMadeIsAskedForAgainForTheNextLayer) {
  const CapturedLog log;
  const RowMajor matrix = random_matrix(60, 50, 3);
  bool short_of_memory = true;
  const auto make_queue = [&]() -> std::unique_ptr<DeviceQueue> {
    if (std::exchange(short_of_memory, false)) {
      throw DeviceError(DeviceError::Extent::this_layer, "cublasCreate", "no memory");
    }
    return std::make_unique<HostQueue>(device);
  };
  const auto backend =
      make_device_backend(make_queue, std::make_shared<DeviceBudget>(device.memory), always_alone);
  EXPECT_EQ(figures_of(stored(matrix), *backend)[0].spectrum->method, Method::gram_eigen);
  EXPECT_THAT(log.text(),
              HasSubstr("a 60 x 50 layer is computed on the CPU instead of the GPU: cublasCreate"));
  expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen_gpu);
}

/// Wherever in the layer the device fails, no figure is lost and the device is not asked again.
TEST_F(DeviceBackend, AfterAnErrorForGoodAllIsDoneOnTheCpu) {
  const RowMajor matrix = random_matrix(120, 80, 8);
  for (const std::string failing : {"allocate", "upload", "cast", "add_gram", "download", "eigenvalues"}) {
    const CapturedLog log;
    const auto backend = backend_on(device);
    device.fail_for_good_at(failing);
    expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen);
    EXPECT_THAT(log.text(),
                HasSubstr("the GPU has failed, this rank goes on with the CPU alone: " + failing));
    device.before = [](const std::string& operation) { ADD_FAILURE() << operation << " on a lost device"; };
    expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen);
    device.before = [](const std::string&) {};
  }
}

TEST_F(DeviceBackend, ADeviceThatOneLaneHasLostIsLostToAll) {
  const CapturedLog log;
  const RowMajor matrix = random_matrix(60, 50, 8);
  const auto budget = std::make_shared<DeviceBudget>(device.memory);
  const auto one = make_device_backend(queues_of(device), budget, always_alone);
  const auto other = make_device_backend(queues_of(device), budget, always_alone);
  device.fail_for_good_at("allocate");
  figures_of(stored(matrix), *one);
  device.before = [](const std::string& operation) { ADD_FAILURE() << operation << " on a lost device"; };
  expect_figures_of_cpu(figures_of(stored(matrix), *other), stored(matrix), Method::gram_eigen);
  EXPECT_THAT(log.text(), HasSubstr("the GPU has failed"));
  EXPECT_THAT(log.text(), Not(HasSubstr("is computed on the CPU instead"))) << "it is said once";
}

TEST_F(DeviceBackend, EigenvaluesThatDoNotAddUpAreComputedAgainOnTheCpu) {
  const CapturedLog log;
  const RowMajor matrix = random_matrix(60, 90, 9);
  const auto backend = backend_on(device);
  device.solver_error = 1e-9;
  const auto figures = figures_of(stored(matrix), *backend);
  EXPECT_EQ(figures[0].spectrum->method, Method::gram_eigen);
  EXPECT_EQ(figures[2].spectrum->method, Method::gram_eigen_gpu) << "the next decomposition is the device's";
  EXPECT_THAT(log.text(),
              HasSubstr("60 x 90 layer is computed on the CPU instead of the GPU: eigenvalues: their sum"));
}

/// The device's casts have no scales, and room for four precisions.
TEST_F(DeviceBackend, WhatTheDeviceCannotCastIsCastOnTheHost) {
  const auto to_quarters = [](std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
    const float scale = inputs.group.largest_magnitude() / 4;
    std::ranges::transform(from, to.begin(),
                           [&](float weight) { return std::nearbyint(weight / scale) * scale; });
    return std::int64_t{0};
  };
  AnalysisSettings settings = every_precision;
  settings.precisions.push_back({"quarters", 3, {.group = {.out = 1, .in = 16}, .cast = to_quarters}});
  for (const RowMajor& matrix : {random_matrix(90, 70, 8), random_matrix(40, 9000, 9)}) {
    const auto found = figures_of(stored(matrix), *backend_on(device), settings);
    EXPECT_FALSE(found.back().shares);
    expect_figures_of_cpu(found, stored(matrix), Method::gram_eigen_gpu, settings);
  }
}

TEST_F(DeviceBackend, WeightsLoadedAsFp64AreCastOnTheHost) {
  AnalysisSettings settings = every_precision;
  settings.load = ElementFormat::fp64;
  const RowMajor matrix = random_matrix(90, 70, 8);
  const auto found = figures_of(stored(matrix), *backend_on(device), settings);
  EXPECT_EQ(found[0].cast_error, 0);
  EXPECT_GT(found[1].cast_error, 0);
  expect_figures_of_cpu(found, stored(matrix), Method::gram_eigen_gpu, settings);
}

TEST_F(DeviceBackend, AFailureToReadIsNoFailureOfTheDevice) {
  const RowMajor matrix = random_matrix(20, 20, 10);
  const PlainWeights failing(stored(matrix).shape(), [](auto...) {
    throw Error(Fault::input, "model.safetensors", "the file has become shorter");
  });
  const auto backend = backend_on(device);
  EXPECT_THROW(figures_of(failing, *backend), Error);
  expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen_gpu);
}

TEST_F(DeviceBackend, ATeamComputesOnItsCpus) {
  const RowMajor matrix = random_matrix(50, 40, 11);
  run_as_team(2, [&](Team& team) {
    HostDevice own;
    own.before = [](const std::string& operation) { ADD_FAILURE() << operation; };
    const auto figures = analyse(stored(matrix), every_precision, *backend_on(own), team);
    if (team.rank() > 0) return;
    EXPECT_EQ(figures[0].spectrum->method, Method::gram_eigen);
  });
}

/// While the CPU still has the end of a layer to do, its memory on the device is free for the next.
TEST_F(DeviceBackend, TheNextLayerIsOnTheDeviceWhileTheCpuFinishesTheLast) {
  const RowMajor matrix = random_matrix(80, 80, 12);
  const auto budget = std::make_shared<DeviceBudget>(bytes_on(device, stored(matrix).shape(), always_band));
  const auto one = make_device_backend(queues_of(device), budget, always_band);
  const auto other = make_device_backend(queues_of(device), budget, always_band);
  const CastChain chain{ElementFormat::fp32, ElementFormat::fp32};
  const PlainWeights layer = stored(matrix);
  SingleRank alone;
  const auto first = one->reduce(layer, chain, nullptr, alone);
  const auto second = other->reduce(layer, chain, nullptr, alone);
  EXPECT_EQ(second->finish().eigenvalues, first->finish().eigenvalues);
}

}  // namespace
}  // namespace alphahill
