#include "gpu/measurements.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "alphahill/spectrum/hill.hpp"
#include "spectrum/band_reduction.hpp"
#include "spectrum/device/device_backend.hpp"
#include "spectrum/device/device_space.hpp"

namespace alphahill {

namespace {

constexpr double k_fraction = 0.1;
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// bf16 weights of magnitude 2^-7 ... 2^-5.
StoredMatrix layer_of(const MatrixShape& shape, std::vector<std::uint16_t>& codes) {
  std::mt19937 engine(1);
  codes.resize(static_cast<std::size_t>(shape.rows * shape.cols));
  for (std::uint16_t& code : codes) {
    const auto bits = static_cast<std::uint32_t>(engine());
    code = static_cast<std::uint16_t>((bits & 0x8000U) | (0x3C00U + (bits & 0xFFU)));
  }
  return {shape.rows, shape.cols, Format::bf16,
          [&codes, shape](std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
                          std::span<std::byte> bytes) {
            const std::span all = std::as_bytes(std::span(codes));
            for (std::int64_t i = 0; i < rows; ++i) {
              const auto first = static_cast<std::size_t>(((row + i) * shape.cols + col) * 2);
              std::ranges::copy(all.subspan(first, static_cast<std::size_t>(cols * 2)),
                                bytes.begin() + i * cols * 2);
            }
          }};
}

/// A decomposition from stored weights to eigenvalues. @throws Error(internal) where another method took over
std::vector<double> decompose(Backend& backend, const StoredMatrix& layer, Method method) {
  Alone alone;
  GramSpectrum spectrum =
      backend.gram_eigenvalues(layer, {Format::fp32, Format::fp32}, nullptr, alone).value()();
  if (spectrum.method == method) return std::move(spectrum.eigenvalues);
  throw Error(Fault::internal, "GPU", "the layer was computed on the CPU");
}

class Measurement {
 public:
  Measurement(DeviceQueue& queue, const MatrixShape& shape)
      : queue_(queue),
        order_(std::min(shape.rows, shape.cols)),
        depth_(std::max(shape.rows, shape.cols)),
        weights_(queue, order_ * depth_),
        a_(queue, order_ * order_) {
    std::vector<double> random(static_cast<std::size_t>(order_ * depth_));
    std::mt19937 engine(1);
    std::normal_distribution<double> normal;
    std::ranges::generate(random, [&] { return normal(engine); });
    queue.upload(random.data(), weights_.get(), order_ * depth_ * 8);
    queue.wait();
  }

  void run(StageTimes& best) {
    const auto n = static_cast<double>(order_);
    const double product = timed([&] {
      queue_.multiply(order_, order_, order_, 1, operand(weights_), operand(weights_), 0, result(a_));
    });
    best.product_rate = std::max(best.product_rate, 2 * n * n * n / product);
    keep(best.gram, timed([&] { add_up(); }));
    keep(best.solver, timed([&] { queue_.eigenvalues(order_, result(a_)); }));
    add_up();
    std::unique_ptr<SymmetricBand> band;
    keep(best.band, timed([&] {
           DeviceSpace space(queue_, a_.get(), order_);
           band = std::make_unique<SymmetricBand>(reduce_to_band(space));
         }));
    keep(best.band_end, timed([&] { band->eigenvalues(); }));
  }

 private:
  lapack::Operand operand(const DeviceArray<double>& array) const { return {array.get(), order_}; }
  lapack::Result result(const DeviceArray<double>& array) const { return {array.get(), order_}; }

  /// A := weights weights^T
  void add_up() {
    queue_.multiply(order_, order_, 1, 0, operand(weights_), {weights_.get(), 1}, 0, result(a_));
    queue_.add_gram(order_, depth_, operand(weights_), result(a_));
    queue_.wait();
  }

  double timed(const std::function<void()>& work) {
    queue_.wait();
    return seconds_of([&] {
      work();
      queue_.wait();
    });
  }
  static void keep(double& best, double seconds) { best = std::min(best, seconds); }

  DeviceQueue& queue_;
  std::int64_t order_;
  std::int64_t depth_;
  DeviceArray<double> weights_;
  DeviceArray<double> a_;
};

}  // namespace

StageTimes measure_stages(DeviceQueue& queue, const MatrixShape& shape, int repetitions) {
  constexpr double never = std::numeric_limits<double>::infinity();
  StageTimes best{0, never, never, never, never};
  Measurement measurement(queue, shape);
  for (int i = 0; i < repetitions; ++i) measurement.run(best);
  return best;
}

LayerTimes measure_layer(std::unique_ptr<DeviceQueue> queue, const MatrixShape& shape, int repetitions,
                         bool by_band) {
  std::vector<std::uint16_t> codes;
  const StoredMatrix layer = layer_of(shape, codes);
  const auto device =
      make_device_backend(std::move(queue), std::make_shared<DeviceBudget>(unlimited),
                          DeviceWays{.first_alone = 0, .first_by_band = by_band ? 0 : unlimited});
  LayerTimes times{std::numeric_limits<double>::infinity(), 0, 0, 0};
  std::vector<double> found;
  for (int i = 0; i < repetitions; ++i) {
    times.device = std::min(times.device,
                            seconds_of([&] { found = decompose(*device, layer, Method::gram_eigen_gpu); }));
  }
  std::vector<double> expected;
  times.cpu = seconds_of([&] { expected = decompose(*make_cpu_backend(), layer, Method::gram_eigen); });
  const HillEstimate estimate = hill(expected, k_fraction);
  const std::size_t tail = static_cast<std::size_t>(estimate.k_used) + 1;
  for (std::size_t i = expected.size() - tail; i < expected.size(); ++i) {
    times.eigenvalues = std::max(times.eigenvalues, std::abs(found[i] - expected[i]) / expected[i]);
  }
  times.alpha = std::abs(hill(found, k_fraction).alpha - estimate.alpha) / estimate.alpha;
  return times;
}

double flops(const MatrixShape& shape) {
  const auto n = static_cast<double>(std::min(shape.rows, shape.cols));
  const auto m = static_cast<double>(std::max(shape.rows, shape.cols));
  return m * n * n + 4.0 / 3 * n * n * n;
}

}  // namespace alphahill
