#include "spectrum/backends/device/device_backend.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "alphahill/base/stopwatch.hpp"
#include "alphahill/spectrum/eigenvalue_checks.hpp"
#include "spectrum/backends/device/device_space.hpp"
#include "spectrum/backends/device/device_survey.hpp"
#include "spectrum/backends/device/gram_pool.hpp"
#include "spectrum/reduce/band_reduction.hpp"
#include "spectrum/stream/stored_panels.hpp"

namespace alphahill {

namespace {

/// Memory of the host for the blocks of a layer on their way, two at a time.
class Staging {
 public:
  /// @param bytes  of the largest block
  Staging(DeviceQueue& queue, std::int64_t bytes)
      : queue_(queue), memory_{HostBytes(queue, bytes, host), HostBytes(queue, bytes, host)} {}

  /// Room for the next block, which the device has done with.
  std::span<std::byte> next(std::int64_t bytes) {
    number_ = 1 - number_;
    queue_.await(number_);
    return {memory_.at(static_cast<std::size_t>(number_)).get(), static_cast<std::size_t>(bytes)};
  }
  /// The uploads of this block have been asked for.
  void uploaded() { queue_.mark(number_); }

 private:
  using HostBytes = DeviceArray<std::byte>;
  static constexpr auto host = HostBytes::Place::host;

  DeviceQueue& queue_;
  std::array<HostBytes, 2> memory_;
  int number_ = 0;
};

/// Bytes on the device that eigenvalues take besides the Gram matrix. A matrix that is decomposed together with others
/// is copied to beside them, and takes a part of their workspace that is taken to be no larger than one of its own
/// (alpha-hill-gpu-probe solver_workspace says so or not); where it is larger, its allocation tells.
std::int64_t reduction_bytes(std::int64_t order, DeviceQueue& queue, DeviceWays::Way way) {
  if (way == DeviceWays::Way::band) return reduction_values(order) * 8;
  if (way == DeviceWays::Way::alone) return queue.solver_bytes(order) + order * 8;
  return order * order * 8 + queue.solver_bytes_of_all(order, 1) + order * 8;
}

class DeviceBackend final : public Backend {
 public:
  DeviceBackend(MakeQueue make_queue, std::shared_ptr<DeviceBudget> budget, DeviceWays ways)
      : make_queue_(std::move(make_queue)),
        budget_(std::move(budget)),
        ways_(ways),
        cpu_(make_cpu_backend()) {}

  std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                    Team& team) override {
    if (budget_->lost() || team.size() > 1 || matrix.order() == 0) {
      return cpu_->reduce(matrix, chain, survey, team);
    }
    try {
      if (!queue_) open();
      return on_device(matrix, chain, survey);
    } catch (const DeviceError& error) {
      note_failure(matrix, error);
    }
    return cpu_->reduce(matrix, chain, survey, team);
  }

 private:
  void open() {
    queue_ = make_queue_();
    pool_.emplace(*queue_);
  }

  void note_failure(const WeightSource& matrix, const DeviceError& error) const {
    if (error.extent() == DeviceError::Extent::device_lost && budget_->mark_lost()) {
      spdlog::error("the GPU has failed, this rank goes on with the CPU alone: {}", error.what());
    } else {
      explain_rejection(matrix, error);
    }
  }

  static void explain_rejection(const WeightSource& matrix, const Error& error) {
    spdlog::warn("a {} x {} layer is computed on the CPU instead of the GPU: {}", matrix.rows(),
                 matrix.cols(), error.what());
  }

  /// The survey is fed when nothing can fail any more: the CPU can start from the beginning. What others wait
  /// for in the pool is not counted to this layer.
  std::unique_ptr<Reduction> on_device(const WeightSource& matrix, CastChain chain, CastSurvey* survey) {
    queue_->begin_here();
    auto claim = claimed(device_bytes(matrix.shape(), *queue_, ways_));
    const Stopwatch watch;
    auto gram = std::make_unique<DeviceGram>(*queue_, matrix.order());
    Reading reading = casts_on_device(chain, survey) ? cast_on_device(matrix, chain, survey, *gram)
                                                     : cast_on_host(matrix, chain, survey, *gram);
    const double diagonal = queue_->squared_norm(gram->order, gram->values.get(), gram->order + 1);
    const double below = queue_->squared_norm(gram->order * gram->order, gram->values.get(), 1);
    const bool pooled = ways_.of(gram->order) == DeviceWays::Way::together;
    std::unique_ptr<Reduction> reduction;
    if (std::isfinite(diagonal) && !pooled) reduction = reduced(std::move(gram));
    const double seconds = watch.seconds();
    if (std::isfinite(diagonal) && pooled) reduction = pool_->add(std::move(gram), std::move(claim));
    if (survey != nullptr) *survey = std::move(reading.survey).value();
    if (!reduction) return nullptr;
    auto checked = std::make_unique<Checked>(*this, std::move(reduction), matrix, chain);
    checked->squared_norm_of_weights = reading.chain_squares;
    checked->squared_norm_of_gram = 2 * below - diagonal;
    checked->seconds = seconds;
    return checked;
  }

  /// What a reading of the layer finds besides its Gram matrix.
  struct Reading {
    double chain_squares = 0;  ///< of the weights after the chain
    std::optional<CastSurvey> survey;
  };

  /// Scales are chosen on the host, and weights that are loaded as fp64 are cast there.
  static bool casts_on_device(const CastChain& chain, const CastSurvey* survey) {
    if (chain.load == ElementFormat::fp64 || chain.precision.scaled()) return false;
    if (survey == nullptr) return true;
    const auto casts = survey->casts();
    return std::ssize(casts) <= most_precisions &&
           std::ranges::none_of(casts, [](const PrecisionCast& cast) { return cast.precision().scaled(); });
  }

  Reading cast_on_device(const WeightSource& matrix, CastChain chain, const CastSurvey* survey,
                         DeviceGram& gram) {
    const DeviceSurvey device_survey(*queue_, matrix.shape(), survey);
    add_up(matrix, chain, device_survey, gram);
    DeviceSurvey::Found found = device_survey.found();
    Reading reading{found.chain_squares, survey == nullptr ? std::nullopt : std::optional(*survey)};
    if (survey != nullptr) reading.survey->merge(std::move(found.totals).value());
    return reading;
  }

  Reading cast_on_host(const WeightSource& matrix, CastChain chain, const CastSurvey* survey,
                       DeviceGram& gram) {
    Reading reading{0, survey == nullptr ? std::nullopt : std::optional(*survey)};
    const std::int64_t most_values = panel_depth(matrix.shape()) * matrix.order();
    const DeviceArray<double> values(*queue_, most_values);
    Staging staging(*queue_, most_values * 8);
    SingleRank alone;
    for_each_panel(
        matrix, chain, survey == nullptr ? nullptr : &*reading.survey, alone, [&](const Panel& panel) {
          for (const double value : panel.values) reading.chain_squares += value * value;
          const auto staged = staging.next(std::ssize(panel.values) * 8);
          std::memcpy(staged.data(), panel.values.data(), staged.size());
          queue_->upload(staged.data(), values.get(), std::ssize(staged));
          staging.uploaded();
          const std::int64_t cols = matrix.wide() ? panel.depth : matrix.order();
          queue_->add_gram(gram.order, panel.depth, {values.get(), cols, matrix.wide()}, gram.matrix());
        });
    return reading;
  }

  void add_up(const WeightSource& matrix, CastChain chain, const DeviceSurvey& survey, DeviceGram& gram) {
    const std::int64_t value_bytes = bytes_of(matrix.shape().values);
    const std::int64_t deepest = panel_depth(matrix.shape());
    const std::int64_t most_values = deepest * matrix.order();
    const DeviceArray<std::byte> bytes(*queue_, most_values * value_bytes);
    const DeviceArray<double> values(*queue_, most_values);
    Staging staging(*queue_, bytes.count());
    StoredPanels stored(matrix, matrix.longer_side());
    for (Slices slices{0, deepest}; slices.first < matrix.longer_side(); slices.first += deepest) {
      slices.depth = std::min(deepest, matrix.longer_side() - slices.first);
      const auto block = staging.next(slices.depth * matrix.order() * value_bytes);
      stored.read_values(slices, block);
      queue_->upload(block.data(), bytes.get(), std::ssize(block));
      staging.uploaded();
      const PanelPlace place = stored.place(slices);
      const std::int64_t rows = std::ssize(block) / value_bytes / place.cols;
      queue_->cast({matrix.shape().values, chain.load, chain.precision.element, rows, place.cols, bytes.get(),
                    values.get()},
                   survey.at(place));
      // Row-major, as LAPACK sees it: order x depth, or depth x order where the matrix is wide.
      queue_->add_gram(gram.order, slices.depth, {values.get(), place.cols, matrix.wide()}, gram.matrix());
    }
  }

  /// No lane waits for memory while others wait for that of the pool.
  std::unique_ptr<DeviceBudget::Claim> claimed(std::int64_t bytes) {
    if (auto claim = budget_->try_claim(bytes)) return claim;
    pool_->decompose();
    return budget_->claim(bytes);
  }

  /// A matrix that goes alone, by a band or by the device's own solver.
  std::unique_ptr<Reduction> reduced(std::unique_ptr<DeviceGram> gram) {
    if (ways_.of(gram->order) == DeviceWays::Way::band) {
      DeviceSpace space(*queue_, gram->values.get(), gram->order);
      return std::make_unique<BandOfDevice>(reduce_to_band(space));
    }
    return std::make_unique<Solved>(queue_->eigenvalues(gram->order, gram->matrix()));
  }

  /// The rest is the CPU's.
  class BandOfDevice final : public Reduction {
   public:
    explicit BandOfDevice(SymmetricBand band) : band_(std::move(band)) {}
    GramSpectrum finish() override {
      const Stopwatch watch;
      std::vector<double> eigenvalues = band_.eigenvalues();
      return {std::move(eigenvalues), Method::gram_eigen_gpu, watch.seconds()};
    }

   private:
    SymmetricBand band_;
  };

  class Solved final : public Reduction {
   public:
    explicit Solved(std::vector<double> eigenvalues) : eigenvalues_(std::move(eigenvalues)) {}
    GramSpectrum finish() override { return {std::move(eigenvalues_), Method::gram_eigen_gpu}; }

   private:
    std::vector<double> eigenvalues_;
  };

  /// Eigenvalues that add up, from the device or else from the CPU.
  class Checked final : public Reduction {
   public:
    Checked(DeviceBackend& backend, std::unique_ptr<Reduction> reduction, const WeightSource& matrix,
            CastChain chain)
        : backend_(backend), reduction_(std::move(reduction)), matrix_(matrix), chain_(chain) {}

    GramSpectrum finish() override {
      try {
        GramSpectrum spectrum = reduction_->finish();
        check_trace(spectrum.eigenvalues, squared_norm_of_weights, matrix_.rows(), matrix_.cols());
        check_squares(spectrum.eigenvalues, squared_norm_of_gram);
        for (double& eigenvalue : spectrum.eigenvalues) eigenvalue = std::max(eigenvalue, 0.0);
        return spectrum;
      } catch (const DeviceError& error) {
        backend_.note_failure(matrix_, error);
      } catch (const Error& error) {
        explain_rejection(matrix_, error);
      }
      return backend_.on_cpu(matrix_, chain_);
    }

    double squared_norm_of_weights = 0;
    double squared_norm_of_gram = 0;

   private:
    DeviceBackend& backend_;
    std::unique_ptr<Reduction> reduction_;
    const WeightSource& matrix_;
    CastChain chain_;
  };

  GramSpectrum on_cpu(const WeightSource& matrix, CastChain chain) {
    SingleRank alone;
    const auto reduction = cpu_->reduce(matrix, chain, nullptr, alone);
    if (!reduction) throw Error(Fault::internal, "GPU", "it found NaN or Inf weights finite");
    GramSpectrum spectrum = reduction->finish();
    spectrum.seconds += reduction->seconds;
    return spectrum;
  }

  MakeQueue make_queue_;
  std::shared_ptr<DeviceBudget> budget_;
  DeviceWays ways_;
  std::unique_ptr<DeviceQueue> queue_;
  std::optional<GramPool> pool_;
  std::unique_ptr<Backend> cpu_;
};

}  // namespace

std::unique_ptr<Backend> make_device_backend(MakeQueue make_queue, std::shared_ptr<DeviceBudget> budget,
                                             DeviceWays ways) {
  return std::make_unique<DeviceBackend>(std::move(make_queue), std::move(budget), ways);
}

std::int64_t device_bytes(const WeightShape& shape, DeviceQueue& queue, const DeviceWays& ways) {
  const std::int64_t order = shape.order();
  const std::int64_t block = panel_depth(shape) * order;
  return (order * order + block) * 8 + reduction_bytes(order, queue, ways.of(order)) +
         block * bytes_of(shape.values) + DeviceSurvey::most_bytes(shape);
}

}  // namespace alphahill
