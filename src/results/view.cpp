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

/// The row of a precision that is shown without its spectrum, though an earlier run may have computed that.
ResultRow surveyed(ResultRow row) {
  if (row.status == Status::nonfinite || !is_computed(row.status)) return row;
  row.alpha = row.alpha_stderr = no_figure;
  row.k_used = row.n_eigs = -1;
  row.status = Status::surveyed;
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
  bool has(std::size_t layer, const std::string& precision) const { return row(layer, precision) != nullptr; }
  /// Or a reason why there is no spectrum.
  bool has_spectrum(std::size_t layer, const std::string& precision) const {
    return has(layer, precision) && row(layer, precision)->status != Status::surveyed;
  }

  bool has_few_eigenvalues(std::size_t layer) const {
    return std::min(run_.layers[layer].out_features, run_.layers[layer].in_features) < min_eigenvalues_;
  }

  /// @pre has(layer, precision)
  ResultRow at(std::size_t layer, const std::string& precision) {
    const ResultRow& row = *this->row(layer, precision);
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

  /// @pre has(layer, precision)
  double effective_rank(std::size_t layer, const std::string& precision) const {
    return row(layer, precision)->effective_rank;
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

  const ResultRow* row(std::size_t layer, const std::string& precision) const {
    return rows_[layer * run_.precisions.size() + index_of(precision)];
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
  for (const std::string& precision : view.survey)
    layer.surveyed.push_back(surveyed(figures.at(index, precision)));
  if (view.reference.empty()) return layer;
  const auto shown = std::ranges::find(layer.figures, view.reference, &ResultRow::precision);
  const bool is_shown = shown != layer.figures.end();
  const ResultRow reference = is_shown ? *shown : figures.at(index, view.reference);
  layer.reference_alpha = reference.alpha;
  layer.effective_rank = figures.effective_rank(index, view.unrounded);
  layer.change_errors = figures.change_errors(reference, layer.figures);
  return layer;
}

/// Does a layer, from 0, have what a precision needs?
using Has = std::function<bool(std::size_t layer, const std::string& precision)>;

/// Those of these layers that have all of these precisions.
std::vector<std::size_t> layers_with(std::span<const std::string> precisions, std::vector<std::size_t> layers,
                                     const Has& has) {
  std::erase_if(layers, [&](std::size_t layer) {
    return !std::ranges::all_of(precisions,
                                [&](const std::string& precision) { return has(layer, precision); });
  });
  return layers;
}

/// Of these precisions the ones that every layer has that has any; all of them where no layer has one.
std::vector<std::string> common_precisions(std::span<const std::string> precisions,
                                           const std::vector<std::size_t>& layers, const Has& has) {
  std::vector<std::string> common;
  std::size_t most = 0;
  for (const std::string& precision : precisions) {
    const std::size_t with_it = layers_with(std::span(&precision, 1), layers, has).size();
    if (with_it > most) common.clear();
    if (with_it >= most) common.push_back(precision);
    most = std::max(most, with_it);
  }
  return common;
}

/// Of these precisions the nearest to the weights whose spectra all of these layers have. Empty where there is none.
std::string reference_among(std::vector<std::string> precisions, const RunDescription& run,
                            const std::vector<std::size_t>& layers, const Has& has_spectrum) {
  const auto width = [&](const std::string& precision) { return width_of(precision, run.load_dtype); };
  std::ranges::stable_sort(precisions, std::greater{}, width);
  const auto found = std::ranges::find_if(precisions, [&](const std::string& precision) {
    return std::ranges::all_of(layers, [&](std::size_t layer) { return has_spectrum(layer, precision); });
  });
  return found == precisions.end() ? "" : *found;
}

/// Sets the precisions that are shown. @param asked  what the run asked for; @param layers  that are kept
void choose_precisions(ReportView& view, const Asked& asked, const Selection& selection,
                       const std::vector<std::size_t>& layers, const Has& has, const Has& has_spectrum) {
  const auto spectra = common_precisions(asked.precisions, layers, has_spectrum);
  const auto survey = common_precisions(asked.survey, layers, has);
  view.precisions = spectra;
  view.survey = survey;
  if (!selection.precisions.empty()) {
    view.precisions = view.survey = {};
    for (const std::string& precision : selection.precisions) {
      const bool any_spectrum =
          std::ranges::any_of(layers, [&](std::size_t layer) { return has_spectrum(layer, precision); });
      const bool surveyed = !any_spectrum && !layers_with(std::span(&precision, 1), layers, has).empty();
      (surveyed ? view.survey : view.precisions).push_back(precision);
    }
  }
  view.all_precisions = view.precisions == spectra && view.survey == survey;
}

}  // namespace

std::vector<double> ReportView::alphas(std::size_t precision) const {
  std::vector<double> values;
  values.reserve(layers.size());
  for (const ReportedLayer& layer : layers) values.push_back(layer.figures[precision].alpha);
  return values;
}

std::vector<std::string> ReportView::shown_precisions() const {
  std::vector<std::string> shown = precisions;
  shown.insert(shown.end(), survey.begin(), survey.end());
  return shown;
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
  const Has has = [&](std::size_t layer, const std::string& precision) {
    return figures.has(layer, precision);
  };
  const Has has_spectrum = [&](std::size_t layer, const std::string& precision) {
    return figures.has_spectrum(layer, precision);
  };
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) layers.push_back(i);
  }
  choose_precisions(view, asked, selection, layers, has, has_spectrum);
  view.filter_layers = selection.filter_layers.value_or(asked.filter_layers);
  view.all_layers = kept == of_run;
  const std::vector<std::size_t> finished =
      layers_with(view.survey, layers_with(view.precisions, layers, has_spectrum), has);
  view.unfinished = std::ssize(layers) - std::ssize(finished);
  view.unrounded = reference_among(run.precisions, run, finished, has_spectrum);
  view.reference = selection.base.value_or(view.unrounded);
  if (view.reference.empty() && !view.precisions.empty()) {
    throw Error(Fault::input, run.model, "no layer has all precisions of the report and one to compare with");
  }
  if (selection.base && layers_with(std::span(&view.reference, 1), finished, has_spectrum) != finished) {
    throw Error(Fault::usage, "--base",
                fmt::format("expected a precision whose spectrum all layers of the report have, found '{}'",
                            view.reference));
  }
  for (const std::size_t i : finished) view.layers.push_back(reported_layer(run, i, view, figures));
  view.inexact = figures.inexact();
  view.unbounded = figures.unbounded();
  return view;
}

}  // namespace alphahill
