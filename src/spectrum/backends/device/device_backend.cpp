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

/// Pinned memory for the blocks on their way, two at a time, kept from layer to layer.
class Staging {
 public:
  static constexpr int blocks = 2;

  explicit Staging(DeviceQueue& queue) : queue_(queue) {}

  /// Room for a block that the device has done with.
  std::span<std::byte> block(int number, std::int64_t bytes) {
    auto& memory = memory_.at(static_cast<std::size_t>(number));
    queue_.await(number);
    if (!memory || memory->count() < bytes) {
      memory.reset();
      memory.emplace(queue_, bytes, DeviceArray<std::byte>::Place::host);
    }
    return {memory->get(), static_cast<std::size_t>(bytes)};
  }

 private:
  DeviceQueue& queue_;
  std::array<std::optional<DeviceArray<std::byte>>, blocks> memory_;
};

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
    staging_.emplace(*queue_);
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
    auto claim = claimed(device_bytes(matrix.shape()));
    const Stopwatch watch;
    auto gram = std::make_unique<DeviceGram>(*queue_, matrix.order());
    Reading reading = casts_on_device(chain, survey) ? cast_on_device(matrix, chain, survey, *gram)
                                                     : cast_on_host(matrix, chain, survey, *gram);
    const double diagonal = queue_->squared_norm(gram->order, gram->values.get(), gram->order + 1);
    const double below = queue_->squared_norm(gram->order * gram->order, gram->values.get(), 1);
    const bool pooled = gram->order < ways_.first_alone;
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
    const DeviceArray<double> values(*queue_, panel_depth(matrix.shape()) * matrix.order());
    SingleRank alone;
    int number = 0;
    for_each_panel(
        matrix, chain, survey == nullptr ? nullptr : &*reading.survey, alone, [&](const Panel& panel) {
          for (const double value : panel.values) reading.chain_squares += value * value;
          const auto staged = staging_->block(number, std::ssize(panel.values) * 8);
          std::memcpy(staged.data(), panel.values.data(), staged.size());
          queue_->upload(staged.data(), values.get(), std::ssize(staged));
          queue_->mark(number);
          number = (number + 1) % Staging::blocks;
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
    StoredPanels stored(matrix, matrix.longer_side());
    int number = 0;
    for (Slices slices{0, deepest}; slices.first < matrix.longer_side(); slices.first += deepest) {
      slices.depth = std::min(deepest, matrix.longer_side() - slices.first);
      const auto block = staging_->block(number, slices.depth * matrix.order() * value_bytes);
      stored.read_values(slices, block);
      queue_->upload(block.data(), bytes.get(), std::ssize(block));
      queue_->mark(number);
      number = (number + 1) % Staging::blocks;
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
    if (gram->order >= ways_.first_by_band) {
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
  std::optional<Staging> staging_;
  std::optional<GramPool> pool_;
  std::unique_ptr<Backend> cpu_;
};

}  // namespace

std::unique_ptr<Backend> make_device_backend(MakeQueue make_queue, std::shared_ptr<DeviceBudget> budget,
                                             DeviceWays ways) {
  return std::make_unique<DeviceBackend>(std::move(make_queue), std::move(budget), ways);
}

std::int64_t device_bytes(const WeightShape& shape) {
  const std::int64_t order = shape.order();
  const std::int64_t block = panel_depth(shape) * order;
  // The solver's workspace is taken to be as large as the matrix; where it is larger, its allocation tells.
  const std::int64_t reduction = std::max(order * order, reduction_values(order));
  return (order * order + block + reduction) * 8 + block * bytes_of(shape.values) +
         DeviceSurvey::most_bytes(shape);
}

}  // namespace alphahill
