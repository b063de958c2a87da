/// Small layers whose Gram matrices wait for each other on a device that the host emulates.
#include "spectrum/backends/device/gram_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <new>
#include <thread>

#include "support/captured_log.hpp"
#include "support/figures.hpp"
#include "support/host_backend.hpp"
#include "support/matrices.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;

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
    SingleRank alone;
    std::deque<Analysis> analyses;
    for (const WeightSource& layer : layers) analyses.emplace_back(layer, every_precision, backend, alone);
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
  std::vector<PlainWeights> layers;

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
  for (const std::int64_t memory :
       {device.memory, 2 * bytes_on(device, layers.back().shape(), always_together)}) {
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
  device.memory = 2 * bytes_on(device, layers[0].shape(), always_together);
  expect_figures(figures(*backend_on(device, always_together)), Method::gram_eigen_gpu);
  EXPECT_EQ(device.batches.front(), 2);
  EXPECT_EQ(std::ranges::max(device.batches), 2);
  EXPECT_LE(device.most_used, device.memory);
}

/// Two that wait for memory while they hold what the other needs would wait for ever.
TEST_F(LayersTogether, LanesWithLittleMemoryDoNotWaitForEachOther) {
  const auto budget =
      std::make_shared<DeviceBudget>(bytes_on(device, layers.back().shape(), always_together) * 3 / 2);
  std::vector<std::jthread> lanes;
  for (int lane = 0; lane < 3; ++lane) {
    lanes.emplace_back([&] {
      const auto backend = make_device_backend(queues_of(device), budget, always_together);
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

TEST(GramPool, WhatGoesWrongWithACallIsTheErrorOfEachOfItsMatrices) {
  HostDevice device;
  HostQueue queue(device);
  DeviceBudget budget(1000);
  GramPool pool(queue);
  device.before = [](const std::string& operation) {
    if (operation == "eigenvalues") throw std::bad_alloc();
  };
  const auto added = [&] { return pool.add(std::make_unique<DeviceGram>(queue, 3), budget.claim(100)); };
  const auto one = added();
  const auto other = added();
  EXPECT_THROW(one->finish(), std::bad_alloc);
  EXPECT_THROW(other->finish(), std::bad_alloc);
}

}  // namespace
}  // namespace alphahill
