#include "gpu/measurements.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/formats/cast.hpp"
#include "spectrum/backends/device/device_space.hpp"
#include "spectrum/reduce/band_reduction.hpp"

namespace alphahill {

namespace {

constexpr double k_fraction = 0.1;
constexpr double share_tolerance = 1e-5;
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr double never = std::numeric_limits<double>::infinity();

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void keep_least(double& best, double seconds) {
  best = std::min(best, seconds);
}

auto standard_normal() {
  return [engine = std::mt19937(1), normal = std::normal_distribution<double>()]() mutable {
    return normal(engine);
  };
}

std::uint16_t bf16_code(double value) {
  const float rounded = round_to_bf16(static_cast<float>(value));
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rounded) >> 16U);
}

/// Normal bf16 weights of a trained layer's size; fp16 rounds the smallest of them.
PlainWeights layer_of(const MatrixShape& shape, std::vector<std::uint16_t>& codes) {
  constexpr double deviation = 0.02;
  codes.resize(static_cast<std::size_t>(shape.rows * shape.cols));
  std::ranges::generate(codes,
                        [next = standard_normal()]() mutable { return bf16_code(deviation * next()); });
  return {plain_shape(shape.rows, shape.cols, ElementFormat::bf16),
          [&codes, shape](const Block& block, std::span<std::byte> bytes) {
            const std::span all = std::as_bytes(std::span(codes));
            for (std::int64_t i = 0; i < block.rows; ++i) {
              const auto first = static_cast<std::size_t>(((block.row + i) * shape.cols + block.col) * 2);
              std::ranges::copy(all.subspan(first, static_cast<std::size_t>(block.cols * 2)),
                                bytes.begin() + i * block.cols * 2);
            }
          }};
}

/// A decomposition from stored weights to eigenvalues. @throws Error(internal) where another method took over
std::vector<double> decompose(Backend& backend, const WeightSource& layer, Method method) {
  SingleRank alone;
  GramSpectrum spectrum =
      backend.reduce(layer, {ElementFormat::fp32, ElementFormat::fp32}, nullptr, alone)->finish();
  if (spectrum.method == method) return std::move(spectrum.eigenvalues);
  throw Error(Fault::internal, "GPU", "the layer was computed on the CPU");
}

struct Path {
  double seconds;
  std::vector<double> eigenvalues;
};

Path best_path(const MakeQueue& make_queue, const WeightSource& layer, int repetitions, DeviceWays ways) {
  const auto device = make_device_backend(make_queue, std::make_shared<DeviceBudget>(unlimited), ways);
  Path best{never, {}};
  for (int i = 0; i < repetitions; ++i) {
    keep_least(best.seconds,
               seconds_of([&] { best.eigenvalues = decompose(*device, layer, Method::gram_eigen_gpu); }));
  }
  return best;
}

LayerTimes compared(const Path& device, const Path& cpu) {
  const std::vector<double>& expected = cpu.eigenvalues;
  const HillEstimate estimate = hill(expected, k_fraction);
  LayerTimes times{device.seconds, cpu.seconds, 0, 0};
  const std::size_t tail = static_cast<std::size_t>(estimate.k_used) + 1;
  for (std::size_t i = expected.size() - tail; i < expected.size(); ++i) {
    const double difference = std::abs(device.eigenvalues[i] - expected[i]) / expected[i];
    if (!(difference <= times.eigenvalues)) times.eigenvalues = difference;  // NaN too
  }
  times.alpha = std::abs(hill(device.eigenvalues, k_fraction).alpha - estimate.alpha) / estimate.alpha;
  return times;
}

/// Standard normal values on the device.
void fill_at_random(DeviceQueue& queue, const DeviceArray<double>& array) {
  std::vector<double> random(static_cast<std::size_t>(array.count()));
  std::ranges::generate(random, standard_normal());
  queue.upload(random.data(), array.get(), array.count() * 8);
  queue.wait();
}

class Measurement {
 public:
  Measurement(DeviceQueue& queue, const MatrixShape& shape)
      : queue_(queue),
        order_(std::min(shape.rows, shape.cols)),
        depth_(std::max(shape.rows, shape.cols)),
        weights_(queue, order_ * depth_),
        a_(queue, order_ * order_) {
    fill_at_random(queue, weights_);
  }

  void run(StageTimes& best) {
    const auto n = static_cast<double>(order_);
    const double product = timed([&] {
      queue_.multiply(order_, order_, order_, 1, operand(weights_), operand(weights_), 0, result(a_));
    });
    best.product_rate = std::max(best.product_rate, 2 * n * n * n / product);
    keep_least(best.gram, timed([&] { add_up(); }));
    keep_least(best.solver, timed([&] { queue_.eigenvalues(order_, result(a_)); }));
    add_up();
    std::unique_ptr<SymmetricBand> band;
    keep_least(best.band, timed([&] {
                 DeviceSpace space(queue_, a_.get(), order_);
                 band = std::make_unique<SymmetricBand>(reduce_to_band(space));
               }));
    keep_least(best.band_end, timed([&] { band->eigenvalues(); }));
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
  DeviceQueue& queue_;
  std::int64_t order_;
  std::int64_t depth_;
  DeviceArray<double> weights_;
  DeviceArray<double> a_;
};

/// Layers in memory of the host, with what each lane takes to analyse them.
class LayerBlock {
 public:
  explicit LayerBlock(std::span<const MatrixShape> shapes) {
    for (const MatrixShape& shape : shapes) layers_.push_back(layer_of(shape, codes_.emplace_back()));
  }

  /// @param lanes  backends, each for a thread
  void analyse_by(std::span<const std::unique_ptr<Backend>> lanes) const {
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> all_on_device = true;
    std::vector<std::jthread> threads;
    for (const auto& backend : lanes) {
      threads.emplace_back([&] {
        for (std::size_t i = next++; i < layers_.size(); i = next++) {
          if (!on_device(layers_[i], *backend)) all_on_device = false;
        }
      });
    }
    threads.clear();
    if (!all_on_device) throw Error(Fault::internal, "GPU", "a layer of the block was computed on the CPU");
  }

 private:
  static bool on_device(const WeightSource& layer, Backend& backend) {
    const AnalysisSettings usual{ElementFormat::fp32,
                                 {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16},
                                 k_fraction,
                                 share_tolerance};
    SingleRank alone;
    return std::ranges::all_of(analyse(layer, usual, backend, alone), [](const PrecisionFigures& figures) {
      return figures.shares || figures.spectrum.value().method == Method::gram_eigen_gpu;
    });
  }

  std::deque<std::vector<std::uint16_t>> codes_;
  std::vector<PlainWeights> layers_;
};

}  // namespace

StageTimes measure_stages(DeviceQueue& queue, const MatrixShape& shape, int repetitions) {
  StageTimes best{0, never, never, never, never};
  Measurement measurement(queue, shape);
  for (int i = 0; i < repetitions; ++i) measurement.run(best);
  return best;
}

double measure_path(const MakeQueue& make_queue, const MatrixShape& shape, int repetitions, DeviceWays ways) {
  std::vector<std::uint16_t> codes;
  const PlainWeights layer = layer_of(shape, codes);
  return best_path(make_queue, layer, repetitions, ways).seconds;
}

std::vector<LayerTimes> measure_layer(const MakeQueue& make_queue, const MatrixShape& shape, int repetitions,
                                      std::span<const DeviceWays> ways) {
  std::vector<std::uint16_t> codes;
  const PlainWeights layer = layer_of(shape, codes);
  Path cpu{0, {}};
  cpu.seconds =
      seconds_of([&] { cpu.eigenvalues = decompose(*make_cpu_backend(), layer, Method::gram_eigen); });
  std::vector<LayerTimes> times;
  for (const DeviceWays& way : ways) {
    times.push_back(compared(best_path(make_queue, layer, repetitions, way), cpu));
  }
  return times;
}

SolverTimes measure_small(DeviceQueue& queue, std::int64_t n, std::int64_t count, int repetitions) {
  const DeviceArray<double> weights(queue, n * n);
  const DeviceArray<double> grams(queue, n * n * count);
  fill_at_random(queue, weights);
  const auto gram = [&](std::int64_t i) { return lapack::Result{grams.get() + i * n * n, n}; };
  const auto timed = [&](const std::function<void()>& decompose_all) {
    for (std::int64_t i = 0; i < count; ++i)
      queue.multiply(n, n, n, 1, {weights.get(), n}, {weights.get(), n, true}, 0, gram(i));
    queue.wait();
    return seconds_of(decompose_all);
  };
  SolverTimes best{never, never};
  for (int i = 0; i < repetitions; ++i) {
    keep_least(best.together, timed([&] { queue.eigenvalues_of_all(n, count, grams.get()); }));
    keep_least(best.alone, timed([&] {
                 for (std::int64_t matrix = 0; matrix < count; ++matrix) queue.eigenvalues(n, gram(matrix));
               }));
  }
  return best;
}

void measure_block(const MakeQueue& make_queue, std::span<const MatrixShape> shapes, int repetitions,
                   std::span<const BlockSetting> settings,
                   const std::function<void(const BlockSetting&, double seconds)>& found) {
  const LayerBlock block(shapes);
  for (const BlockSetting& setting : settings) {
    const auto budget = std::make_shared<DeviceBudget>(unlimited);
    std::vector<std::unique_ptr<Backend>> backends;
    for (int lane = 0; lane < setting.lanes; ++lane) {
      backends.push_back(make_device_backend(make_queue, budget, setting.ways));
    }
    double best = never;
    for (int i = 0; i < repetitions; ++i) {
      keep_least(best, seconds_of([&] { block.analyse_by(backends); }));
    }
    found(setting, best);
  }
}

}  // namespace alphahill
