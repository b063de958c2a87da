/// Layers on a device that the host plays: the CPU's figures, and who takes over when the device fails.
#include "spectrum/device/device_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <thread>

#include "support/captured_log.hpp"
#include "support/device_ways.hpp"
#include "support/figures.hpp"
#include "support/host_queue.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Backend> backend_on(HostDevice& device, DeviceWays ways = always_alone) {
  return make_device_backend(std::make_unique<HostQueue>(device),
                             std::make_shared<DeviceBudget>(device.memory), ways);
}

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

TEST_P(DeviceBackend, AddsUpLayersOfManyBlocks) {
  const auto backend = backend_on(device, GetParam());
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{30001, 300}, {300, 30001}}) {
    const RowMajor matrix = random_matrix(rows, cols, 2);
    ASSERT_GT(stored(matrix).longer_side(), 2 * panel_depth(stored(matrix)));
    expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen_gpu);
  }
}

TEST_P(DeviceBackend, TakesNoMoreMemoryThanItClaims) {
  const RowMajor matrix = random_matrix(500, 2000, 3);
  figures_of(stored(matrix), *backend_on(device, GetParam()));
  EXPECT_LE(device.most_used, device_bytes(stored(matrix)));
}

TEST_F(DeviceBackend, SharesWhatTheCpuShares) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{300, 200}, {200, 300}}) {
    const RowMajor matrix = bf16_matrix(rows, cols);
    const auto figures = figures_of(stored(matrix), *backend_on(device));
    EXPECT_GT(figures[2].shares.value().bound, 0);
    expect_figures_of_cpu(figures, stored(matrix), Method::gram_eigen_gpu);
  }
}

TEST_F(DeviceBackend, CountsNanAndInf) {
  RowMajor matrix = random_matrix(90, 60, 5);
  matrix(2, 3) = 70000;
  expect_figures_of_cpu(figures_of(stored(matrix), *backend_on(device)), stored(matrix),
                        Method::gram_eigen_gpu);
  matrix(50, 3) = std::nan("");
  expect_figures_of_cpu(figures_of(stored(matrix), *backend_on(device)), stored(matrix),
                        Method::gram_eigen_gpu);
}

TEST_F(DeviceBackend, ALayerThatDoesNotFitIsDoneOnTheCpuAndTheNextOnTheDeviceAgain) {
  const CapturedLog log;
  const RowMajor large = random_matrix(400, 400, 6);
  const RowMajor small = random_matrix(100, 100, 6);
  device.memory = device_bytes(stored(large)) - 1;
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
  const auto backend = make_device_backend(std::make_unique<HostQueue>(device), budget, always_alone);
  device.memory = device_bytes(stored(matrix)) / 2;
  expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen);
  EXPECT_THAT(log.text(), HasSubstr("allocate: out of memory"));
  EXPECT_EQ(device.used, 0);
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
  const auto one = make_device_backend(std::make_unique<HostQueue>(device), budget, always_alone);
  const auto other = make_device_backend(std::make_unique<HostQueue>(device), budget, always_alone);
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

TEST_F(DeviceBackend, AFailureToReadIsNoFailureOfTheDevice) {
  const RowMajor matrix = random_matrix(20, 20, 10);
  StoredMatrix failing = stored(matrix);
  failing.read = [](auto...) {
    throw Error(Fault::input, "model.safetensors", "the file has become shorter");
  };
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
  const auto budget = std::make_shared<DeviceBudget>(device_bytes(stored(matrix)));
  const auto one = make_device_backend(std::make_unique<HostQueue>(device), budget, always_band);
  const auto other = make_device_backend(std::make_unique<HostQueue>(device), budget, always_band);
  const CastChain chain{Format::fp32, Format::fp32};
  const StoredMatrix layer = stored(matrix);
  Alone alone;
  const auto first = one->gram_eigenvalues(layer, chain, nullptr, alone).value();
  const auto second = other->gram_eigenvalues(layer, chain, nullptr, alone).value();
  EXPECT_EQ(second().eigenvalues, first().eigenvalues);
}

/// Layers that take their steps in turn, as those of a worker do.
class LayersTogether : public testing::Test {
 protected:
  LayersTogether() {
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{60, 90}, {200, 60}, {60, 60}, {50, 70}, {60, 300}}) {
      matrices_.push_back(bf16_matrix(rows, cols));
    }
    for (const RowMajor& matrix : matrices_) layers.push_back(stored(matrix));
  }

  std::vector<std::vector<PrecisionFigures>> figures(Backend& backend) const {
    Alone alone;
    std::deque<Analysis> analyses;
    for (const StoredMatrix& layer : layers) analyses.emplace_back(layer, every_precision, backend, alone);
    for (bool more = true; more;) {
      more = false;
      for (Analysis& analysis : analyses) more = analysis.step() || more;
    }
    std::vector<std::vector<PrecisionFigures>> all;
    for (Analysis& analysis : analyses) all.push_back(std::move(analysis).figures());
    return all;
  }
  void expect_figures(const std::vector<std::vector<PrecisionFigures>>& found, Method method) const {
    for (std::size_t i = 0; i < layers.size(); ++i) expect_figures_of_cpu(found[i], layers[i], method);
  }

  HostDevice device;
  std::vector<StoredMatrix> layers;

 private:
  std::vector<RowMajor> matrices_;
};

TEST_F(LayersTogether, ThoseOfOneOrderAreDecomposedByOneCall) {
  expect_figures(figures(*backend_on(device, always_together)), Method::gram_eigen_gpu);
  ASSERT_GE(device.batches.size(), 3U);
  device.batches.resize(3);
  EXPECT_EQ(device.batches, (std::vector<std::int64_t>{3, 1, 1})) << "of orders 60, 50 and 60";
  EXPECT_EQ(device.used, 0);
}

/// With memory for all, and for two: then a layer that finds no room waits for a call for the others.
TEST_F(LayersTogether, TheSecondsOfACallAreSharedByItsLayers) {
  constexpr std::chrono::duration<double> solver_takes{0.01};
  device.before = [&](const std::string& operation) {
    if (operation == "eigenvalues") std::this_thread::sleep_for(solver_takes);
  };
  for (const std::int64_t memory : {device.memory, 2 * device_bytes(layers.back())}) {
    device.memory = memory;
    std::chrono::duration<double> sum{0};
    const auto start = std::chrono::steady_clock::now();
    for (const auto& of_layer : figures(*backend_on(device, always_together))) {
      for (const PrecisionFigures& of_precision : of_layer) {
        if (!of_precision.spectrum) continue;
        const std::chrono::duration<double> share(of_precision.spectrum->seconds);
        EXPECT_GE(share, solver_takes);
        sum += share;
      }
    }
    EXPECT_LE(sum, std::chrono::steady_clock::now() - start) << "none counts twice";
  }
}

TEST_F(LayersTogether, WithMemoryForTwoTheyGoInPairs) {
  layers = {layers[0], layers[0], layers[0], layers[0]};
  device.memory = 2 * device_bytes(layers[0]);
  expect_figures(figures(*backend_on(device, always_together)), Method::gram_eigen_gpu);
  EXPECT_EQ(device.batches.front(), 2);
  EXPECT_EQ(std::ranges::max(device.batches), 2);
  EXPECT_LE(device.most_used, device.memory);
}

/// Two that wait for memory while they hold what the other needs would wait for ever.
TEST_F(LayersTogether, LanesWithLittleMemoryDoNotWaitForEachOther) {
  const auto budget = std::make_shared<DeviceBudget>(device_bytes(layers.back()) * 3 / 2);
  std::vector<std::jthread> lanes;
  for (int lane = 0; lane < 3; ++lane) {
    lanes.emplace_back([&] {
      const auto backend = make_device_backend(std::make_unique<HostQueue>(device), budget, always_together);
      for (int turn = 0; turn < 5; ++turn) expect_figures(figures(*backend), Method::gram_eigen_gpu);
    });
  }
}

TEST_F(LayersTogether, AfterAFailureOfTheirCallEachIsDoneOnTheCpu) {
  const CapturedLog log;
  const auto backend = backend_on(device, always_together);
  int calls = 0;
  device.before = [&](const std::string& operation) {
    if (operation == "eigenvalues" && ++calls == 1) {
      throw DeviceError(DeviceError::Extent::this_layer, operation, "no workspace");
    }
  };
  const auto found = figures(*backend);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool failed = i < 3;
    EXPECT_EQ(found[i][0].spectrum->method, failed ? Method::gram_eigen : Method::gram_eigen_gpu) << i;
  }
  EXPECT_THAT(log.text(), HasSubstr("200 x 60 layer is computed on the CPU instead of the GPU: eigenvalues"));
}

TEST_F(LayersTogether, AfterAFailureForGoodOfTheirCallAllAreDoneOnTheCpu) {
  const CapturedLog log;
  const auto backend = backend_on(device, always_together);
  device.fail_for_good_at("eigenvalues");
  expect_figures(figures(*backend), Method::gram_eigen);
  EXPECT_THAT(log.text(), HasSubstr("the GPU has failed, this rank goes on with the CPU alone: eigenvalues"));
}

}  // namespace
}  // namespace alphahill
