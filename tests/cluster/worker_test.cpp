/// A worker with several lanes, as a rank with a GPU has them.
#include "alphahill/cluster/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <mutex>
#include <numeric>

#include "alphahill/cluster/layer_record.hpp"
#include "spectrum/device/device_backend.hpp"
#include "support/host_queue.hpp"
#include "support/matrices.hpp"

namespace alphahill {
namespace {

LayerRecord empty_record(std::int64_t layer) {
  LayerRecord record;
  record.layer = layer;
  return record;
}

/// What a worker reports of one assignment of layers 1 ... count.
std::vector<Report> reports_of(std::int64_t count, const std::vector<ComputeLayer>& lanes) {
  Assignment assignment;
  assignment.layers.resize(static_cast<std::size_t>(count));
  std::iota(assignment.layers.begin(), assignment.layers.end(), 1);
  std::vector<Report> reports;
  work(lanes, 0,
       {.receive = [&] { return std::exchange(assignment, {}); },
        .send = [&](const Report& report) { reports.push_back(report); }});
  return reports;
}

std::vector<std::int64_t> layers_in(const std::vector<Report>& reports) {
  std::vector<std::int64_t> layers;
  for (const Report& report : reports) {
    for (const LayerRecord& record : report.records) layers.push_back(record.layer);
  }
  std::ranges::sort(layers);
  return layers;
}

TEST(Worker, LanesComputeEveryLayerOnce) {
  const ComputeLayer lane = [](std::int64_t layer, int) { return empty_record(layer); };
  std::vector<std::int64_t> all(100);
  std::iota(all.begin(), all.end(), 1);
  for (const std::size_t lanes : {1, 2, 5}) {
    EXPECT_EQ(layers_in(reports_of(100, std::vector(lanes, lane))), all);
  }
}

/// Each waits for the other: one after another they would wait for ever.
TEST(Worker, LanesComputeSideBySide) {
  std::barrier both(2);
  const ComputeLayer lane = [&](std::int64_t layer, int) {
    both.arrive_and_wait();
    return empty_record(layer);
  };
  EXPECT_EQ(layers_in(reports_of(4, {lane, lane})), (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(Worker, AFailureIsReportedLastAndNoLayerIsBegunAfterIt) {
  for (const std::size_t lanes : {1, 3}) {
    std::atomic<int> begun = 0;
    const ComputeLayer lane = [&](std::int64_t layer, int) {
      ++begun;
      if (layer == 2) throw Error(Fault::input, "model.safetensors", "has become shorter");
      return empty_record(layer);
    };
    const auto reports = reports_of(1000, std::vector(lanes, lane));
    EXPECT_TRUE(reports.back().run_failed);
    EXPECT_EQ(reports.back().reason, "has become shorter");
    EXPECT_EQ(std::ranges::count_if(reports, [](const Report& report) { return report.run_failed; }), 1);
    EXPECT_EQ(std::ssize(layers_in(reports)), begun - 1) << "what was finished is kept";
    EXPECT_LT(begun, 1000);
  }
}

/// Layers in flight on one device with memory for two of them at a time.
TEST(Worker, LanesShareTheMemoryOfADevice) {
  constexpr std::int64_t order = 100;
  const auto matrix_of_layer = [](std::int64_t layer) {
    return random_matrix(order, order, static_cast<unsigned>(layer));
  };
  const std::int64_t bytes = device_bytes(stored(matrix_of_layer(1)));
  HostDevice device;
  device.memory = 2 * bytes;
  const auto budget = std::make_shared<DeviceBudget>(device.memory);
  const auto lane = [&, backend = std::shared_ptr<Backend>()](std::int64_t layer, int) mutable {
    if (!backend) backend = make_device_backend(std::make_unique<HostQueue>(device), budget, 0);
    Alone alone;
    const RowMajor matrix = matrix_of_layer(layer);
    const StoredMatrix weights = stored(matrix);
    const GramSpectrum spectrum =
        backend->gram_eigenvalues(weights, {Format::fp32, Format::fp32}, nullptr, alone).value()();
    EXPECT_EQ(spectrum.method, Method::gram_eigen_gpu) << "never out of memory";
    LayerRecord record = empty_record(layer);
    record.eigenvalues = spectrum.eigenvalues;
    return record;
  };
  for (const Report& report : reports_of(40, std::vector<ComputeLayer>(4, lane))) {
    for (const LayerRecord& record : report.records) {
      const auto expected = squared_singular_values_by_eigen(rounded_to_fp32(matrix_of_layer(record.layer)));
      EXPECT_NEAR(record.eigenvalues.back(), expected(order - 1), 1e-12 * expected(order - 1));
    }
  }
  EXPECT_LE(device.most_used, device.memory);
  EXPECT_EQ(device.used, 0);
}

}  // namespace
}  // namespace alphahill
