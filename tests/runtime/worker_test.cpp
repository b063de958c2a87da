/// A worker, and several side by side as a rank with a GPU has them.
#include "alphahill/runtime/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>

#include "alphahill/analysis/layer_record.hpp"
#include "alphahill/runtime/worker_pool.hpp"
#include "runtime/layer_by_layer.hpp"
#include "spectrum/backends/device/device_backend.hpp"
#include "support/host_backend.hpp"
#include "support/matrices.hpp"

namespace alphahill {
namespace {

LayerRecord empty_record(std::int64_t layer) {
  LayerRecord record;
  record.layer = layer;
  return record;
}

/// What workers report until all of layers 1 ... count are done, each each lane given the next when it is
/// free.
std::vector<Report> reports_of(std::int64_t count, int lanes, const Work& work_on) {
  OwnWorkers workers(lanes, work_on);
  std::int64_t next = 1;
  const auto assign = [&](int lane) {
    if (next <= count) workers.assign({.layers = {next++}, .team_size = 1, .lane = lane});
  };
  for (int lane = 0; lane < lanes; ++lane) assign(lane);
  std::vector<Report> reports;
  while (std::ssize(reports) < count) {
    auto report = workers.report_now();
    if (!report) continue;
    assign(report->lane);
    reports.push_back(std::move(*report));
  }
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

/// What a worker reports on one assignment.
std::vector<Report> reports_on(std::vector<std::int64_t> layers, const ComputeLayers& compute) {
  Assignment assignment{.layers = std::move(layers)};
  std::vector<Report> reports;
  work(compute, 0,
       {.receive = [&] { return std::exchange(assignment, {}); },
        .send = [&](Report report) { reports.push_back(std::move(report)); }});
  return reports;
}

/// Each waits for the other: one after another they would wait for ever.
TEST(Worker, LanesComputeSideBySide) {
  std::barrier both(2);
  const ComputeLayer compute = [&](std::int64_t layer, int) {
    both.arrive_and_wait();
    return empty_record(layer);
  };
  const auto reports =
      reports_of(4, 2, [&](const CoordinatorLine& line) { work(layer_by_layer(compute), 0, line); });
  EXPECT_EQ(layers_in(reports), (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(Worker, AFailureIsReportedLastAndNoLayerIsBegunAfterIt) {
  const ComputeLayer compute = [](std::int64_t layer, int) {
    if (layer == 3) throw Error(Fault::input, "model.safetensors", "has become shorter");
    return empty_record(layer);
  };
  const auto reports = reports_on({1, 2, 3, 4}, layer_by_layer(compute));
  EXPECT_TRUE(reports.back().run_failed);
  EXPECT_EQ(reports.back().reason, "has become shorter");
  EXPECT_EQ(layers_in(reports), (std::vector<std::int64_t>{1, 2})) << "what was finished is kept";
}

TEST(Worker, AFailureIsReportedWithThoseOfTheLayersBesideItThatAreFinished) {
  const auto compute = [](std::span<const std::int64_t> layers, int, std::vector<LayerRecord>& records) {
    records.push_back(empty_record(layers.front()));
    if (layers.front() == 3) throw Error(Fault::input, "model.safetensors", "has become shorter");
    records.push_back(empty_record(layers.back()));
  };
  const auto reports = reports_on({1, 2, 3, 4, 5}, {compute, 2});
  EXPECT_TRUE(reports.back().run_failed);
  EXPECT_EQ(layers_in(reports), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST(Worker, LayersGoSeveralAtOnceAndInTheirOrder) {
  std::vector<std::vector<std::int64_t>> calls;
  const auto compute = [&](std::span<const std::int64_t> layers, int, std::vector<LayerRecord>& records) {
    calls.emplace_back(layers.begin(), layers.end());
    for (const std::int64_t layer : layers) records.push_back(empty_record(layer));
  };
  const auto reports = reports_on({5, 4, 3, 2, 1}, {compute, 2});
  EXPECT_EQ(calls, (std::vector<std::vector<std::int64_t>>{{5, 4}, {3, 2}, {1}}));
  EXPECT_EQ(layers_in(reports), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
}

/// Layers in flight on one device with memory for two of them at a time.
TEST(Worker, LanesShareTheMemoryOfADevice) {
  constexpr std::int64_t order = 100;
  const auto matrix_of_layer = [](std::int64_t layer) {
    return random_matrix(order, order, static_cast<unsigned>(layer));
  };
  HostDevice device;
  device.memory = 2 * bytes_on(device, stored(matrix_of_layer(1)).shape(), always_band);
  const auto budget = std::make_shared<DeviceBudget>(device.memory);
  const auto compute = [&](Backend& backend, std::int64_t layer) {
    SingleRank alone;
    const RowMajor matrix = matrix_of_layer(layer);
    const PlainWeights weights = stored(matrix);
    const GramSpectrum spectrum =
        backend.reduce(weights, {ElementFormat::fp32, ElementFormat::fp32}, nullptr, alone)->finish();
    EXPECT_EQ(spectrum.method, Method::gram_eigen_gpu) << "never out of memory";
    LayerRecord record = empty_record(layer);
    record.eigenvalues = spectrum.eigenvalues;
    return record;
  };
  const auto work_on = [&](const CoordinatorLine& line) {
    const auto backend = make_device_backend(queues_of(device), budget, always_band);
    work(layer_by_layer([&](std::int64_t layer, int) { return compute(*backend, layer); }), 0, line);
  };
  for (const Report& report : reports_of(40, 4, work_on)) {
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
