/// A stored run as a report shows it: the layers and precisions asked for, at the k-frac asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// What part of a run to show.
struct Selection {
  std::optional<double> k_frac;  ///< in (0, 1]; nothing: the run's own
  /// In the order of the report; empty: of those that the run asked for the ones that all layers have.
  std::vector<std::string> precisions;
  /// Perl expression found anywhere in a layer's name; nothing: the layers that the run asked for.
  std::optional<std::string> filter_layers;
  /// The precision that changes are relative to; nothing: ReportView::unrounded.
  std::optional<std::string> base;
  std::int64_t min_eigenvalues = 0;       ///< layers with fewer are shown without figures
  std::vector<std::string> metrics = {};  ///< of the spectra, by the names of spectral_metrics.hpp
};

struct ReportedLayer {
  std::int64_t number = 0;  ///< from 1, among all layers of the run
  LayerRow layer;
  std::vector<ResultRow> figures;   ///< one a precision of the view
  std::vector<ResultRow> surveyed;  ///< one a surveyed precision of the view
  double reference_alpha = no_figure;
  double effective_rank = no_figure;  ///< of the spectrum at the view's `unrounded`
  /// Standard errors of alpha's changes from the reference, one a precision of the view.
  std::vector<double> change_errors;
  bool few_eigenvalues = false;  ///< fewer than the view asks for
  /// Of each precision of the view the view's metrics; NaN where there is no figure.
  std::vector<std::vector<double>> metrics = {};
};

struct ReportView {
  std::filesystem::path source;  ///< the results file, where the run comes from one
  std::string run_version;       ///< of alphahill and its libraries, when the run began
  std::string model;
  double k_frac = 0;
  std::vector<std::string> run_precisions;
  std::vector<std::string> precisions;  ///< with spectra
  std::vector<std::string> survey;      ///< with errors of rounding alone
  bool all_precisions = true;           ///< those that are shown where none are selected
  std::string filter_layers;
  bool all_layers = true;  ///< the filter keeps those that the run asked for, and no others
  std::int64_t min_eigenvalues = 0;
  std::string base;  ///< the reference, where it was selected
  /// Of the precisions whose spectra all layers have the nearest to the weights: fp64, fp32, the load dtype, or the
  /// widest; empty where there is none. Effective ranks are those of its spectra.
  std::string unrounded;
  std::string reference;  ///< what changes are relative to: `base`, or `unrounded`
  std::vector<std::string> metrics = {};
  std::vector<ReportedLayer> layers;  ///< finished layers, in layer order
  std::int64_t unfinished = 0;        ///< layers that the filter keeps and that the run has not finished yet
  /// Rows computed again from a Gram spectrum that is too inexact for this k-frac.
  std::int64_t inexact = 0;
  /// Rows computed again whose share bound holds at the run's k-frac alone.
  std::int64_t unbounded = 0;

  /// Those with spectra, then the others.
  std::vector<std::string> shown_precisions() const;
  /// Alphas of all layers at precision number `precision`; NaN where there is none.
  std::vector<double> alphas(std::size_t precision) const;
};

/// (alpha - reference) / reference; NaN where either is missing.
double relative_change(double alpha, double reference);

/// The eigenvalues of a row, ascending; empty where it has none.
using SpectrumOf = std::function<std::vector<double>(const ResultRow&)>;

/// @param asked  what the run asked for, which is shown where nothing else is selected
/// @param rows  as in a results file; a layer that lacks a precision of the view is unfinished
/// @throws Error(usage) for a precision or base that the run does not have, a k-frac outside (0, 1], a broken
///                      expression or one that matches no layer
/// @throws Error(input) for a row that belongs to no layer of the run
ReportView view_of(const RunDescription& run, const Asked& asked, std::span<const ResultRow> rows,
                   const SpectrumOf& spectrum_of, const Selection& selection);

}  // namespace alphahill
