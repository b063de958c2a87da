#include "alphahill/results/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/base/layer_filter.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/formats/precision.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "alphahill/metrics/hill.hpp"

namespace alphahill {

namespace {

/// More for what is nearer to the weights: precisions without scales by their significant bits, where the load dtype
/// comes behind fp32, then the others by bits; least for one that is none of ours.
double width_of(const std::string& precision, const std::string& load_dtype) {
  constexpr double without_scales = 1000;
  constexpr std::int64_t usual_features = 4096;
  const auto found = find_precision(precision);
  if (!found) return 0;
  if (found->scaled()) return found->bits_per_weight(usual_features, usual_features);
  const double bits = significand_bits(found->element);
  const double below_fp32 = significand_bits(ElementFormat::fp32) - 0.5;
  return without_scales + (precision == load_dtype ? std::max(bits, below_fp32) : bits);
}

/// @throws Error(usage) naming `option`, for a precision that the run does not have
void check_precision(const RunDescription& run, const std::string& precision, const std::string& option) {
  constexpr std::size_t most_named = 8;
  if (std::ranges::find(run.precisions, precision) != run.precisions.end()) return;
  throw Error(
      Fault::usage, option,
      fmt::format("the run has {}, found '{}'", joined(some_of(run.precisions, most_named)), precision));
}

double chosen_k_frac(const RunDescription& run, const Selection& selection) {
  const double k_frac = selection.k_frac.value_or(run.k_frac);
  if (k_frac > 0 && k_frac <= 1) return k_frac;
  throw Error(Fault::usage, "--k-frac", fmt::format("expected a number in (0, 1], found {}", k_frac));
}

std::vector<std::string> names_of(const std::vector<LayerRow>& layers) {
  std::vector<std::string> names;
  for (const LayerRow& layer : layers) names.push_back(layer.name);
  return names;
}

/// How the row's spectrum was computed. Rows without an alpha that earlier versions wrote do not say: a Gram
/// matrix is the usual way, and the less exact one.
std::string method_of_spectrum(const ResultRow& row) {
  return row.method == "failed" ? "gram_eigen" : row.method;
}

/// The row with the figures of another k-frac, from its spectrum of two or more eigenvalues.
ResultRow at_k_frac(ResultRow row, double k_frac, std::span<const double> eigenvalues) {
  HillEstimate estimate = hill(eigenvalues, k_frac);
  const bool has_alpha = estimate.no_alpha.empty();
  row.alpha = estimate.alpha;
  row.alpha_stderr = estimate.standard_error;
  row.k_used = estimate.k_used;
  row.n_eigs = has_alpha ? std::ssize(eigenvalues) : -1;
  row.method = method_of_spectrum(row);
  row.error_bound = error_bound_by(row.method, estimate.error_bound, std::ssize(eigenvalues));
  row.status = has_alpha ? Status::ok : Status::no_tail;
  row.reason = std::move(estimate.no_alpha);
  return row;
}

/// The row without the figure that it has.
ResultRow left_out(ResultRow row, std::int64_t min_eigenvalues) {
  if (row.status != Status::ok) return row;
  row.alpha = row.alpha_stderr = no_figure;
  row.k_used = row.n_eigs = -1;
  row.status = Status::few_eigenvalues;
  row.reason = fmt::format("fewer than {} eigenvalues (--min-eigenvalues)", min_eigenvalues);
  return row;
}

/// The rows of a run, found by layer and precision, with the figures of the k-frac asked for.
class Figures {
 public:
  Figures(const RunDescription& run, std::span<const ResultRow> rows, const ReportView& view,
          const SpectrumOf& spectrum_of)
      : run_(run),
        k_frac_(view.k_frac),
        min_eigenvalues_(view.min_eigenvalues),
        spectrum_of_(spectrum_of),
        rows_(run.layers.size() * run.precisions.size()) {
    for (const ResultRow& row : rows) {
      const std::size_t precision = index_of(row.precision);
      if (row.layer < 1 || std::cmp_greater(row.layer, run.layers.size()) ||
          precision == run.precisions.size()) {
        throw Error(
            Fault::input, "results",
            fmt::format("a row of layer {} at {}, which the run does not have", row.layer, row.precision));
      }
      rows_[static_cast<std::size_t>(row.layer - 1) * run.precisions.size() + precision] = &row;
    }
  }

  /// @param layer  from 0
  bool has(std::size_t layer, const std::string& precision) const {
    return rows_[layer * run_.precisions.size() + index_of(precision)] != nullptr;
  }

  bool has_few_eigenvalues(std::size_t layer) const {
    return std::min(run_.layers[layer].out_features, run_.layers[layer].in_features) < min_eigenvalues_;
  }

  /// @pre has(layer, precision)
  ResultRow at(std::size_t layer, const std::string& precision) {
    const ResultRow& row = *rows_[layer * run_.precisions.size() + index_of(precision)];
    if (has_few_eigenvalues(layer)) return left_out(row, min_eigenvalues_);
    if (k_frac_ == run_.k_frac || row.spectrum_length < 2) return row;
    ResultRow again = at_k_frac(row, k_frac_, spectrum_of_(row));
    if (!is_svd(again.method) &&
        expected_gram_error(again.error_bound, row.spectrum_length) > largest_gram_error) {
      ++inexact_;
    }
    if (row.share_bound > 0) ++unbounded_;
    return again;
  }

  /// The standard errors of alpha's changes from one row of a layer to others.
  std::vector<double> change_errors(const ResultRow& from, std::span<const ResultRow> rows) {
    std::vector<double> errors;
    std::vector<double> spectrum;  // read once, where one of the others needs it
    for (const ResultRow& to : rows) {
      double& error = errors.emplace_back(no_figure);
      if (from.status != Status::ok || to.status != Status::ok) continue;
      if (from.spectrum_length < 2 || to.spectrum_length != from.spectrum_length) continue;
      const bool shared = from.spectrum_offset == to.spectrum_offset;
      if (!shared && spectrum.empty()) spectrum = spectrum_of_(from);
      error = shared ? 0 : change_standard_error(spectrum, spectrum_of_(to), k_frac_);
    }
    return errors;
  }

  std::int64_t inexact() const { return inexact_; }
  std::int64_t unbounded() const { return unbounded_; }

 private:
  std::size_t index_of(const std::string& precision) const {
    return static_cast<std::size_t>(std::ranges::find(run_.precisions, precision) - run_.precisions.begin());
  }

  const RunDescription& run_;
  double k_frac_;
  std::int64_t min_eigenvalues_;
  const SpectrumOf& spectrum_of_;
  std::vector<const ResultRow*> rows_;
  std::int64_t inexact_ = 0;
  std::int64_t unbounded_ = 0;
};

/// @param index  of the layer in the run, from 0
ReportedLayer reported_layer(const RunDescription& run, std::size_t index, const ReportView& view,
                             Figures& figures) {
  ReportedLayer layer;
  layer.number = static_cast<std::int64_t>(index) + 1;
  layer.layer = run.layers[index];
  layer.few_eigenvalues = figures.has_few_eigenvalues(index);
  for (const std::string& precision : view.precisions) layer.figures.push_back(figures.at(index, precision));
  const auto shown = std::ranges::find(layer.figures, view.reference, &ResultRow::precision);
  const bool is_shown = shown != layer.figures.end();
  const ResultRow reference = is_shown ? *shown : figures.at(index, view.reference);
  layer.reference_alpha = reference.alpha;
  layer.effective_rank = reference.effective_rank;
  layer.change_errors = figures.change_errors(reference, layer.figures);
  return layer;
}

/// Layers, from 0, that have a row at all of these precisions.
std::vector<std::size_t> layers_with(std::span<const std::string> precisions, const std::vector<bool>& kept,
                                     const Figures& figures) {
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto has = [&](const std::string& precision) { return figures.has(i, precision); };
    if (kept[i] && std::ranges::all_of(precisions, has)) layers.push_back(i);
  }
  return layers;
}

/// Of these precisions the ones that every layer has that has any; all of them where no layer has one.
std::vector<std::string> common_precisions(std::span<const std::string> precisions,
                                           const std::vector<bool>& kept, const Figures& figures) {
  std::vector<std::string> common;
  std::size_t most = 0;
  for (const std::string& precision : precisions) {
    const std::size_t layers = layers_with(std::span(&precision, 1), kept, figures).size();
    if (layers > most) common.clear();
    if (layers >= most) common.push_back(precision);
    most = std::max(most, layers);
  }
  return common;
}

/// Of these precisions the nearest to the weights that all of these layers have. @throws Error(input) where there is
/// none
std::string reference_among(std::vector<std::string> precisions, const RunDescription& run,
                            const std::vector<std::size_t>& layers, const Figures& figures) {
  const auto width = [&](const std::string& precision) { return width_of(precision, run.load_dtype); };
  std::ranges::stable_sort(precisions, std::greater{}, width);
  for (const std::string& precision : precisions) {
    const auto has = [&](std::size_t layer) { return figures.has(layer, precision); };
    if (std::ranges::all_of(layers, has)) return precision;
  }
  throw Error(Fault::input, run.model, "no layer has all precisions of the report and one to compare with");
}

}  // namespace

std::vector<double> ReportView::alphas(std::size_t precision) const {
  std::vector<double> values;
  values.reserve(layers.size());
  for (const ReportedLayer& layer : layers) values.push_back(layer.figures[precision].alpha);
  return values;
}

double relative_change(double alpha, double reference) {
  return (alpha - reference) / reference;
}

ReportView view_of(const RunDescription& run, const Asked& asked, std::span<const ResultRow> rows,
                   const SpectrumOf& spectrum_of, const Selection& selection) {
  ReportView view;
  view.run_version = run.version;
  view.model = run.model;
  view.k_frac = chosen_k_frac(run, selection);
  view.run_precisions = run.precisions;
  for (const std::string& precision : selection.precisions) check_precision(run, precision, "--precisions");
  if (selection.base) check_precision(run, *selection.base, "--base");
  const std::vector<bool> of_run = asked_layers(run, asked);
  const std::vector<bool> kept =
      selection.filter_layers ? layers_kept(names_of(run.layers), *selection.filter_layers) : of_run;
  view.min_eigenvalues = selection.min_eigenvalues;
  view.base = selection.base.value_or("");
  Figures figures(run, rows, view, spectrum_of);
  const std::vector<std::string> common = common_precisions(asked.precisions, kept, figures);
  view.precisions = selection.precisions.empty() ? common : selection.precisions;
  view.all_precisions = view.precisions == common;
  view.filter_layers = selection.filter_layers.value_or(asked.filter_layers);
  view.all_layers = kept == of_run;
  const std::vector<std::size_t> finished = layers_with(view.precisions, kept, figures);
  view.unfinished = std::ranges::count(kept, true) - std::ssize(finished);
  view.reference =
      reference_among(selection.base ? std::vector{*selection.base} : run.precisions, run, finished, figures);
  for (const std::size_t i : finished) view.layers.push_back(reported_layer(run, i, view, figures));
  view.inexact = figures.inexact();
  view.unbounded = figures.unbounded();
  return view;
}

}  // namespace alphahill
