#include "alphahill/cluster/layer_record.hpp"

#include <fmt/format.h>

#include <functional>
#include <new>
#include <optional>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/weight_file.hpp"

namespace alphahill {

namespace {

std::string name_at(const AnalysisSettings& settings, std::size_t precision) {
  return std::string(name_of(settings.precisions[precision]));
}

/// Appends the spectrum to the record and fills in what follows from it.
void add_spectrum(LayerRecord& record, ResultRow& row, const Spectrum& spectrum) {
  row.spectrum_offset = static_cast<std::int64_t>(record.eigenvalues.size());
  row.spectrum_length = static_cast<std::int64_t>(spectrum.eigenvalues.size());
  record.eigenvalues.insert(record.eigenvalues.end(), spectrum.eigenvalues.begin(),
                            spectrum.eigenvalues.end());
  row.error_bound = spectrum.error_bound;
  if (!spectrum.eigenvalues.empty()) row.lambda_max = spectrum.eigenvalues.back();
  row.seconds = spectrum.seconds;
  if (spectrum.hill.no_alpha.empty()) {
    row.status = Status::ok;
    row.alpha = spectrum.hill.alpha;
    row.alpha_stderr = spectrum.hill.standard_error;
    row.k_used = spectrum.hill.k_used;
    row.n_eigs = row.spectrum_length;
    row.method = name_of(spectrum.method);
  } else {
    const bool degenerate = row.spectrum_length < 2;
    row.status = degenerate ? Status::degenerate : Status::no_tail;
    row.method = degenerate ? "degenerate" : "failed";
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

ResultRow row_of(LayerRecord& record, const PrecisionFigures& figures, const std::string& precision,
                 std::int64_t weights) {
  ResultRow row;
  if (figures.nonfinite > 0) {
    row.status = Status::nonfinite;
    row.reason = fmt::format("{} of {} {} weights are NaN or Inf", figures.nonfinite, weights, precision);
  } else if (!figures.failure.empty()) {
    row.status = Status::failed;
    row.reason = figures.failure;
  } else if (figures.shares) {
    row = shared_row(record.results[figures.shares->precision], figures.shares->bound);
  } else {
    add_spectrum(record, row, figures.spectrum.value());
  }
  row.layer = record.layer;
  row.precision = precision;
  row.cast_error = figures.cast_error;
  row.stable_rank = figures.squared_norm / row.lambda_max;
  return row;
}

LayerRecord to_record(std::int64_t number, const AnalysisSettings& settings, const Layer& layer,
                      const std::vector<PrecisionFigures>& figures, int rank) {
  LayerRecord record{.layer = number, .results = {}, .eigenvalues = {}};
  for (std::size_t p = 0; p < figures.size(); ++p) {
    record.results.push_back(row_of(record, figures[p], name_at(settings, p), layer.numel()));
    record.results.back().rank = rank;
  }
  return record;
}

}  // namespace

LayerRecord record_without_figures(std::int64_t number, const AnalysisSettings& settings, Status status,
                                   const std::string& reason) {
  LayerRecord record{.layer = number, .results = {}, .eigenvalues = {}};
  for (std::size_t p = 0; p < settings.precisions.size(); ++p) {
    ResultRow row;
    row.layer = number;
    row.precision = name_at(settings, p);
    row.status = status;
    row.reason = reason;
    record.results.push_back(std::move(row));
  }
  return record;
}

namespace {

/// What `compute` returns, or the record of what went wrong with this layer alone.
LayerRecord guarded_record(std::int64_t number, const AnalysisSettings& settings,
                           const std::function<LayerRecord()>& compute) {
  try {
    return compute();
  } catch (const Error& error) {
    if (error.fault() != Fault::internal) throw;
    return record_without_figures(number, settings, Status::failed, error.what());
  } catch (const std::bad_alloc&) {
    return record_without_figures(number, settings, Status::failed, "not enough memory for this layer");
  }
}

}  // namespace

LayerRecord compute_record(const Catalog& catalog, std::int64_t number, const AnalysisSettings& settings,
                           Backend& backend, int rank, Team& team) {
  const Layer& layer = catalog.layers.at(static_cast<std::size_t>(number - 1));
  std::optional<LayerWeights> weights;
  do_together(team, [&] { weights.emplace(catalog, layer); });
  const StoredMatrix matrix{layer.rows, layer.cols, layer.format,
                            [&](std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
                                std::span<std::byte> bytes) { weights->read(row, rows, col, cols, bytes); }};
  const LayerRecord without_results{.layer = number, .results = {}, .eigenvalues = {}};
  LayerRecord record = guarded_record(number, settings, [&] {
    const auto figures = analyse(matrix, settings, backend, team);
    return team.rank() == 0 ? to_record(number, settings, layer, figures, rank) : without_results;
  });
  weights->check_unchanged();
  return team.rank() == 0 ? record : without_results;
}

}  // namespace alphahill
