/// The CSVs of a report: RFC 4180 quoting, numbers as pandas writes them.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "alphahill/results/view.hpp"

namespace alphahill {

/// The shortest digits that read back as the same number, laid out as Python's repr does: "3.0", "1e-07";
/// empty for NaN.
std::string csv_number(double value);

/// Quoted where it has to be. Text that a spreadsheet would take for a formula (= + - @ TAB CR first) gets a
/// ' in front.
std::string csv_text(std::string_view text);

/// The first cell of each row, as it is written, quotes included; without that of the header.
std::set<std::string> first_cells(std::string_view csv);

/// layer_name, category, out_features, in_features, numel, then alpha_P, k_used_P, n_eigs_P, method_P for
/// each precision P of the view. method_P is how the figure was computed; without one "degenerate" where
/// there are fewer than two eigenvalues, else "failed". Behind all these status_P, reason_P and alpha_stderr_P
/// for each P: why a figure is missing, and how exact one is.
std::string results_csv(const ReportView& view);

/// precision, count, mean, std, min, median, max, q25, q75; one row a precision of the view.
std::string summary_csv(const ReportView& view);

/// One row a layer and precision of the view: layer_name, category, precision, bits_per_weight, relative_error,
/// largest_error, zeroed, clipped, alpha, alpha_stderr, alpha_change, alpha_change_stderr, effective_rank, score,
/// score_per_weight. What was not computed is empty.
std::string sensitivity_csv(const ReportView& view);

/// One row a layer and precision of the view: layer_name, category, precision, then the view's metrics by their names.
/// What was not computed is empty.
std::string metrics_csv(const ReportView& view);

/// Replaces the file by this text.
void save_text(const std::filesystem::path& path, std::string_view text);

}  // namespace alphahill
