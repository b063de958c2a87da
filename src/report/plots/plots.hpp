/// Which plots a report has, and what each shows.
#pragma once

#include <vector>

#include "alphahill/report/report.hpp"
#include "report/plots/charts.hpp"
#include "report/plots/picture_file.hpp"

namespace alphahill {

/// The plots of a view, into plots/ of the output folder:
///   alpha_distribution_by_precision, category_<category>, combined_batch_<i> (all_layers_combined where one
///   suffices), individual_layers/layer_<number>_<name, dots as underscores>; where weights are rounded,
///   error_by_layer, score_ranking and alpha_against_base.
/// @param view  must outlive the plots; at least one layer
std::vector<Plot> plots_of(const ReportView& view, const ReportSettings& settings);

/// Removes files of these names, in any format, from plots/ of the output folder, and folders that this leaves
/// empty.
void remove_plots(const std::filesystem::path& output_dir);

/// The same of those that are in the format of these plots and not among them.
void remove_plots_but(const std::vector<Plot>& plots, const ReportSettings& settings);

}  // namespace alphahill
