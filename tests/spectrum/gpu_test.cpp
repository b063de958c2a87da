/// The GPU backend on a GPU. Where there is none, the program says so and ends as skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>
#include <random>
#include <thread>

#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/cuda.hpp"
#include "spectrum/backends/device/cuda_library.hpp"
#include "spectrum/backends/device/device_backend.hpp"
#include "support/captured_log.hpp"
#include "support/device_ways.hpp"
#include "support/figures.hpp"

namespace alphahill {
namespace {

std::unique_ptr<Backend> backend(DeviceWays ways, std::int64_t memory = std::int64_t{1} << 40) {
  return make_device_backend([] { return cuda_library().make_queue(0); },
                             std::make_shared<DeviceBudget>(memory), ways);
}

/// The fp64 values that the device makes of stored ones.
std::vector<double> cast_on_device(ElementFormat stored, ElementFormat load, ElementFormat precision,
                                   std::span<const std::byte> bytes) {
  const auto queue = cuda_library().make_queue(0);
  const std::int64_t count = std::ssize(bytes) / bytes_of(stored);
  const DeviceArray<std::byte> on_device(*queue, std::ssize(bytes));
  const DeviceArray<double> values(*queue, count);
  const DeviceArray<SurveySums> groups(*queue, survey_groups);
  queue->upload(bytes.data(), on_device.get(), std::ssize(bytes));
  BlockSurvey survey{};
  survey.groups = groups.get();
  queue->cast({stored, load, precision, 1, count, on_device.get(), values.get()}, survey);
  return values.downloaded();
}

void expect_casts_of_host(ElementFormat stored, std::span<const std::byte> bytes) {
  for (const ElementFormat load : {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}) {
    for (const ElementFormat precision : {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}) {
      const auto found = cast_on_device(stored, load, precision, bytes);
      for (std::size_t i = 0; i < found.size(); ++i) {
        const double value = decode_at(stored, bytes.data(), static_cast<std::int64_t>(i));
        const double expected = cast_value(precision, load_value(load, value));
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(found[i])) << i;
        } else {
          ASSERT_EQ(std::bit_cast<std::uint64_t>(found[i]), std::bit_cast<std::uint64_t>(expected)) << i;
        }
      }
    }
  }
}

TEST(Gpu, CastsEvery16BitCodeToTheSameBits) {
  std::vector<std::uint16_t> codes(1 << 16);
  std::iota(codes.begin(), codes.end(), std::uint16_t{0});
  expect_casts_of_host(ElementFormat::fp16, std::as_bytes(std::span(codes)));
  expect_casts_of_host(ElementFormat::bf16, std::as_bytes(std::span(codes)));
}

TEST(Gpu, CastsFloatsAndDoublesOfAllSizesToTheSameBits) {
  std::vector<float> floats(1 << 20);
  std::vector<double> doubles(1 << 20);
  for (std::uint32_t i = 0; i < floats.size(); ++i) floats[i] = std::bit_cast<float>(i * 4099U);
  for (std::uint64_t i = 0; i < doubles.size(); ++i) {
    const std::uint64_t bits = i * 0x9E3779B97F4A7C15U;
    doubles[i] = std::bit_cast<double>((bits & 0x800FFFFFFFFFFFFFU) | ((1023 - 160 + bits % 300) << 52));
  }
  expect_casts_of_host(ElementFormat::fp32, std::as_bytes(std::span(floats)));
  expect_casts_of_host(ElementFormat::fp64, std::as_bytes(std::span(doubles)));
}

/// Sums of the differences between casts in a block as the device adds them up: of each pair, by rows or by columns.
class GpuSurvey : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  static constexpr ElementFormat formats[] = {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16};
  static constexpr int pairs = 3;

  GpuSurvey() {
    std::mt19937 random(5);
    for (float& weight : weights_) weight = std::normal_distribution<float>(0, 0.02F)(random);
    const DeviceArray<float> stored(*queue_, rows * cols);
    const DeviceArray<double> values(*queue_, rows * cols);
    const DeviceArray<SurveySums> groups(*queue_, survey_groups);
    const DeviceArray<double> row_sums(*queue_, pairs * rows);
    const DeviceArray<double> col_sums(*queue_, pairs * column_parts * cols);
    queue_->upload(weights_.data(), stored.get(), rows * cols * 4);
    queue_->cast({ElementFormat::fp32, ElementFormat::fp32, ElementFormat::fp32, rows, cols,
                  reinterpret_cast<const std::byte*>(stored.get()), values.get()},
                 {3,
                  {formats[0], formats[1], formats[2]},
                  groups.get(),
                  row_sums.get(),
                  col_sums.get(),
                  rows,
                  cols,
                  0,
                  0});
    of_rows = row_sums.downloaded();
    of_cols = col_sums.downloaded();
  }

  static_assert(pair_of(1, 0) == 0 && pair_of(2, 0) == 1 && pair_of(2, 1) == 2);
  double difference(int pair, std::int64_t row, std::int64_t col) const {
    const int one = pair == 0 ? 1 : 2;
    const int other = pair == 2 ? 1 : 0;
    const float weight = weights_[static_cast<std::size_t>(row * cols + col)];
    return difference_of(cast_value(formats[one], weight), cast_value(formats[other], weight));
  }

  const std::int64_t rows = GetParam().first;
  const std::int64_t cols = GetParam().second;
  std::vector<double> of_rows;
  std::vector<double> of_cols;  ///< of each part

 private:
  std::unique_ptr<DeviceQueue> queue_ = cuda_library().make_queue(0);
  std::vector<float> weights_ = std::vector<float>(static_cast<std::size_t>(rows * cols));
};
INSTANTIATE_TEST_SUITE_P(Blocks, GpuSurvey,
                         testing::Values(std::pair{1, 1}, std::pair{40, 700}, std::pair{600, 33},
                                         std::pair{2100, 40}));

TEST_P(GpuSurvey, AddsUpTheDifferencesOfRowsAndColumns) {
  for (int pair = 0; pair < pairs; ++pair) {
    for (std::int64_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (std::int64_t col = 0; col < cols; ++col) sum += difference(pair, row, col);
      ASSERT_NEAR(of_rows[static_cast<std::size_t>(pair * rows + row)], sum,
                  static_cast<double>(cols) * 0x1p-52 * sum);
    }
    for (std::int64_t col = 0; col < cols; ++col) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows; ++row) sum += difference(pair, row, col);
      double found = 0;
      for (int part = 0; part < column_parts; ++part) {
        found += of_cols[static_cast<std::size_t>((pair * column_parts + part) * cols + col)];
      }
      ASSERT_NEAR(found, sum, static_cast<double>(rows) * 0x1p-52 * sum);
    }
  }
}

class GpuBackend : public testing::TestWithParam<DeviceWays> {};
INSTANTIATE_TEST_SUITE_P(Ways, GpuBackend, testing::Values(always_together, always_alone, always_band),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(GpuBackend, GivesTheFiguresOfTheCpu) {
  const auto gpu = backend(GetParam());
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                                   {2, 5},
                                   {24, 24},
                                   {25, 40},
                                   {403, 211},
                                   {211, 403},
                                   {30001, 300},
                                   {300, 30001},
                                   {1500, 1500}}) {
    const RowMajor matrix = random_matrix(rows, cols, 1);
    expect_figures_of_cpu(figures_of(stored(matrix), *gpu), stored(matrix), Method::gram_eigen_gpu);
  }
}

TEST_P(GpuBackend, GivesTheSameBitsEachTime) {
  const RowMajor matrix = bf16_matrix(900, 700);
  const auto once = figures_of(stored(matrix), *backend(GetParam()));
  const auto again = figures_of(stored(matrix), *backend(GetParam()));
  EXPECT_EQ(once[0].spectrum->eigenvalues, again[0].spectrum->eigenvalues);
  EXPECT_EQ(once[2].shares.value().bound, again[2].shares.value().bound);
}

/// As a rank uses its GPU: a thread and a queue for each of several layers.
TEST_P(GpuBackend, GivesTheSameBitsToManyLanesAtOnce) {
  constexpr int lanes = 8;
  const RowMajor matrix = bf16_matrix(300, 200);
  const auto alone = figures_of(stored(matrix), *backend(GetParam()));
  std::vector<std::jthread> threads;
  for (int lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&] {
      const auto gpu = backend(GetParam());
      for (int turn = 0; turn < 2; ++turn) {
        const auto figures = figures_of(stored(matrix), *gpu);
        EXPECT_EQ(figures[0].spectrum->method, Method::gram_eigen_gpu);
        EXPECT_EQ(figures[0].spectrum->eigenvalues, alone[0].spectrum->eigenvalues);
        EXPECT_EQ(figures[2].shares.value().bound, alone[2].shares.value().bound);
      }
    });
  }
}

/// A layer's figures must not depend on those beside it.
TEST(Gpu, GivesTheSameBitsInABatchOfAnySize) {
  constexpr std::int64_t n = 200;
  const Eigen::MatrixXd weights = random_matrix(n, n, 7);
  const Eigen::MatrixXd gram = weights * weights.transpose();
  const auto queue = cuda_library().make_queue(0);
  const auto eigenvalues = [&](std::int64_t count) {
    const DeviceArray<double> matrices(*queue, n * n * count);
    for (std::int64_t i = 0; i < count; ++i)
      queue->upload(gram.data(), matrices.get() + i * n * n, n * n * 8);
    return queue->eigenvalues_of_all(n, count, matrices.get());
  };
  const std::vector<double> one = eigenvalues(1);
  for (const std::int64_t count : {2, 7, 32}) {
    const std::vector<double> all = eigenvalues(count);
    for (std::int64_t i = 0; i < count * n; ++i) {
      EXPECT_EQ(all[static_cast<std::size_t>(i)], one[static_cast<std::size_t>(i % n)]) << count;
    }
  }
}

TEST(Gpu, SharesWhatTheCpuShares) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{300, 200}, {200, 300}}) {
    const RowMajor matrix = bf16_matrix(rows, cols);
    expect_figures_of_cpu(figures_of(stored(matrix), *backend(always_alone)), stored(matrix),
                          Method::gram_eigen_gpu);
  }
}

TEST(Gpu, CountsNanAndInf) {
  RowMajor matrix = random_matrix(90, 60, 5);
  matrix(2, 3) = 70000;
  matrix(50, 3) = std::nan("");
  expect_figures_of_cpu(figures_of(stored(matrix), *backend(always_alone)), stored(matrix),
                        Method::gram_eigen_gpu);
}

TEST(Gpu, AllocatingMoreThanThereIsLeavesTheDeviceUsable) {
  const auto queue = cuda_library().make_queue(0);
  try {
    queue->allocate(std::int64_t{1} << 42);
    ADD_FAILURE() << "4 TiB was allocated";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.extent(), DeviceError::Extent::this_layer) << error.what();
  }
  EXPECT_EQ(DeviceArray<double>(*queue, 100).downloaded(), std::vector<double>(100));
}

/// The other lane has not waited for the work after which its memory is free.
TEST(Gpu, AllocatingMoreThanIsFreeTakesWhatAnotherQueueHasReleased) {
  const auto one = cuda_library().make_queue(0);
  const auto other = cuda_library().make_queue(0);
  const auto most_of_it = static_cast<std::int64_t>(cuda_library().free_memory() / 5 * 4);
  for (int turn = 0; turn < 3; ++turn) {
    for (DeviceQueue* queue : {one.get(), other.get()}) {
      EXPECT_NO_THROW(queue->release(queue->allocate(most_of_it)));
    }
  }
}

TEST(Gpu, ADeviceThatIsNotThereIsNamed) {
  try {
    find_cuda_device(999);
    ADD_FAILURE() << "found";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("--device cuda:999: the last GPU of this node is cuda:"));
  }
}

/// To be run alone: afterwards the process can use no device.
TEST(GpuLost, AnIllegalAddressLeavesAllLayersToTheCpu) {
  const CapturedLog log;
  const RowMajor matrix = random_matrix(60, 50, 6);
  const auto gpu = backend(always_alone);
  expect_figures_of_cpu(figures_of(stored(matrix), *gpu), stored(matrix), Method::gram_eigen_gpu);
  const auto queue = cuda_library().make_queue(0);
  queue->cast({ElementFormat::fp32, ElementFormat::fp32, ElementFormat::fp32, 1, 100, nullptr, nullptr}, {});
  EXPECT_THROW(queue->wait(), DeviceError);
  const auto beside_it = backend(always_alone);
  for (Backend* backend : {gpu.get(), gpu.get(), beside_it.get()}) {
    expect_figures_of_cpu(figures_of(stored(matrix), *backend), stored(matrix), Method::gram_eigen);
  }
  EXPECT_THAT(log.text(), testing::HasSubstr("the GPU has failed, this rank goes on with the CPU alone"));
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    std::printf("on %s\n", alphahill::find_cuda_device(0).name.c_str());
  } catch (const alphahill::Error& error) {
    constexpr int skipped = 77;
    std::printf("skipped: %s\n", error.what());
    return skipped;
  }
  return RUN_ALL_TESTS();
}
