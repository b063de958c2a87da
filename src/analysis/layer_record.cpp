#include "alphahill/analysis/layer_record.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <exception>
#include <functional>
#include <new>
#include <optional>

#include "alphahill/base/error.hpp"
#include "alphahill/base/stopwatch.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "alphahill/metrics/effective_rank.hpp"
#include "analysis/fused_scales.hpp"

namespace alphahill {

namespace {

/// Appends the spectrum to the record and fills in what follows from it.
void add_spectrum(LayerRecord& record, ResultRow& row, const Spectrum& spectrum) {
  row.spectrum_offset = static_cast<std::int64_t>(record.eigenvalues.size());
  row.spectrum_length = static_cast<std::int64_t>(spectrum.eigenvalues.size());
  record.eigenvalues.insert(record.eigenvalues.end(), spectrum.eigenvalues.begin(),
                            spectrum.eigenvalues.end());
  row.error_bound = spectrum.error_bound;
  if (!spectrum.eigenvalues.empty()) {
    row.method = name_of(spectrum.method);
    row.lambda_max = spectrum.eigenvalues.back();
  }
  row.effective_rank = effective_rank(spectrum.eigenvalues);
  row.seconds = spectrum.seconds;
  if (spectrum.hill.no_alpha.empty()) {
    row.status = Status::ok;
    row.alpha = spectrum.hill.alpha;
    row.alpha_stderr = spectrum.hill.standard_error;
    row.k_used = spectrum.hill.k_used;
    row.n_eigs = row.spectrum_length;
  } else {
    row.status = row.spectrum_length < 2 ? Status::degenerate : Status::no_tail;
    row.reason = spectrum.hill.no_alpha;
  }
}

/// The row of a precision that shares the spectrum of an earlier one, with that one's row.
ResultRow shared_row(const ResultRow& original, double bound) {
  ResultRow row = original;
  row.shares = original.precision;
  row.share_bound = bound;
  row.seconds = 0;
  return row;
}

/// What the cast does to the weights, where it leaves them numbers.
void add_cast_figures(ResultRow& row, const PrecisionFigures& figures, std::int64_t weights) {
  row.cast_error = figures.cast_error;
  if (figures.nonfinite > 0) return;
  const auto share = [&](std::int64_t count) {
    return static_cast<double>(count) / static_cast<double>(weights);
  };
  row.largest_error = figures.largest_error;
  row.zeroed = share(figures.zeroed);
  row.clipped = share(figures.clipped);
}

/// @param original  the row whose spectrum this one shares, in the record, where it shares one
ResultRow row_of(LayerRecord& record, const PrecisionFigures& figures, const std::string& precision,
                 const std::string& original, std::int64_t weights) {
  ResultRow row;
  if (figures.nonfinite > 0) {
    row.status = Status::nonfinite;
    row.reason = fmt::format("{} of {} {} weights are NaN or Inf", figures.nonfinite, weights, precision);
  } else if (figures.surveyed) {
    row.status = Status::surveyed;
    row.reason = "only the errors of rounding were asked for";
    row.seconds = figures.survey_seconds;
  } else if (figures.shares) {
    row = shared_row(*std::ranges::find(record.results, original, &ResultRow::precision),
                     figures.shares->bound);
  } else if (figures.spectrum) {
    add_spectrum(record, row, *figures.spectrum);
  } else {
    row.status = Status::failed;
    row.reason = figures.failed_methods;
  }
  row.layer = record.layer;
  row.precision = precision;
  add_cast_figures(row, figures, weights);
  row.stable_rank = figures.squared_norm / row.lambda_max;
  return row;
}

/// Says which methods did not serve.
void warn_of_failures(const std::string& layer, const PrecisionFigures& figures,
                      const std::string& precision) {
  if (figures.failed_methods.empty()) return;
  const std::string then =
      figures.spectrum ? fmt::format("computed by {}", name_of(figures.spectrum->method)) : "no figure";
  spdlog::warn("layer {} at {}: {}, since {}", printable(layer), precision, then, figures.failed_methods);
}

LayerRecord to_record(std::int64_t number, const AnalysisSettings& settings, const Layer& layer,
                      const std::vector<PrecisionFigures>& figures, int rank, int team_size) {
  LayerRecord record{.layer = number, .results = {}, .eigenvalues = {}};
  const std::vector<Precision> precisions = settings.all_precisions();
  for (std::size_t p = 0; p < figures.size(); ++p) {
    if (figures[p].stored) continue;
    const std::string precision(precisions[p].name);
    const std::string original(figures[p].shares ? precisions[figures[p].shares->precision].name : "");
    record.results.push_back(row_of(record, figures[p], precision, original, layer.numel()));
    record.results.back().rank = rank;
    record.results.back().team_size = team_size;
    warn_of_failures(layer.name, figures[p], precision);
  }
  return record;
}

}  // namespace

LayerRecord record_without_figures(std::int64_t number, const AnalysisSettings& settings, Status status,
                                   const std::string& reason) {
  LayerRecord record{.layer = number, .results = {}, .eigenvalues = {}};
  for (const Precision& precision : settings.all_precisions()) {
    ResultRow row;
    row.layer = number;
    row.precision = precision.name;
    row.status = status;
    row.reason = reason;
    record.results.push_back(std::move(row));
  }
  return record;
}

namespace {

class LayerInAnalysis {
 public:
  LayerInAnalysis(const Catalog& catalog, std::int64_t number, const AnalysisSettings& settings,
                  std::size_t stored, Backend& backend, Team& team)
      : number_(number),
        layer_(catalog.layers.at(static_cast<std::size_t>(number - 1))),
        settings_(settings),
        leads_(team.rank() == 0),
        team_size_(team.size()) {
    guarded([&] {
      do_together(team, [&] { weights_.emplace(catalog, layer_); });
      const Stopwatch watch;
      settings_ = with_fused_scales(settings, catalog, layer_, team);
      seconds_for_partners_ = settings.observes_partners() ? watch.seconds() : 0;
      do_together(team, [&] { analysis_.emplace(weights_->source(), settings_, backend, team, stored); });
    });
  }

  /// @return whether there is more to do
  bool step() {
    bool more = false;
    if (!failed_) guarded([&] { more = analysis_->step(); });
    return more;
  }

  LayerRecord record(int rank) && {
    LayerRecord record{.layer = number_, .results = {}, .eigenvalues = {}};
    if (leads_ && !failed_) {
      guarded([&] {
        record = to_record(number_, settings_, layer_, std::move(*analysis_).figures(), rank, team_size_);
        if (!record.results.empty()) record.results.front().seconds += seconds_for_partners_;
      });
    }
    if (weights_) weights_->check_unchanged();
    return leads_ && failed_ ? std::move(*failed_) : std::move(record);
  }

 private:
  /// Notes what goes wrong with this layer alone.
  void guarded(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      if (error.fault() != Fault::internal) throw;
      failed_ = record_without_figures(number_, settings_, Status::failed, error.what());
    } catch (const std::bad_alloc&) {
      failed_ =
          record_without_figures(number_, settings_, Status::failed, "not enough memory for this layer");
    }
  }

  std::int64_t number_;
  const Layer& layer_;
  AnalysisSettings settings_;
  double seconds_for_partners_ = 0;  ///< counted with the first precision
  bool leads_;
  int team_size_;
  std::optional<LayerWeights> weights_;
  std::optional<Analysis> analysis_;
  std::optional<LayerRecord> failed_;
};

/// Layers that take their steps in turn. What ends the run drops the layer that it strikes, and no other.
class LayersInTurn {
 public:
  /// Adds a layer and takes its first step.
  template <class... Arguments>
  void begin(Arguments&... arguments) {
    auto& layer = layers_.emplace_back();
    attempt(layer, [&] { layer.emplace(arguments...).step(); });
  }
  template <class Action>
  void for_each(Action action) {
    for (auto& layer : layers_) {
      if (layer) attempt(layer, [&] { action(*layer); });
    }
  }
  /// The first one that ends the run, or null.
  const std::exception_ptr& failure() const { return failure_; }

 private:
  template <class Action>
  void attempt(std::optional<LayerInAnalysis>& layer, Action action) {
    try {
      action();
    } catch (const std::exception&) {
      layer.reset();
      if (!failure_) failure_ = std::current_exception();
    }
  }

  std::deque<std::optional<LayerInAnalysis>> layers_;
  std::exception_ptr failure_;
};

}  // namespace

void compute_records(const Catalog& catalog, std::span<const std::int64_t> numbers,
                     const AnalysisSettings& settings, Backend& backend, int rank, Team& team,
                     std::vector<LayerRecord>& records, std::span<const std::int32_t> stored) {
  LayersInTurn layers;
  for (const std::int64_t number : numbers) {
    const auto index = static_cast<std::size_t>(number - 1);
    const auto of_layer = static_cast<std::size_t>(index < stored.size() ? stored[index] : 0);
    if (!layers.failure()) layers.begin(catalog, number, settings, of_layer, backend, team);
  }
  for (bool more = true; more;) {
    more = false;
    layers.for_each([&](LayerInAnalysis& layer) { more = layer.step() || more; });
  }
  layers.for_each([&](LayerInAnalysis& layer) { records.push_back(std::move(layer).record(rank)); });
  if (layers.failure()) std::rethrow_exception(layers.failure());
}

}  // namespace alphahill
