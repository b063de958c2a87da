/// Several runs side by side, their layers matched by name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/report/picture.hpp"
#include "alphahill/results/view.hpp"
#include "report/plots/charts.hpp"

namespace alphahill {

struct NamedRun {
  std::string name;
  ReportView view;
};

/// layer_name, precision, then alpha_R and, from the second run on, relative_change_R (from the first run) for
/// each run R. One row a layer and precision that any run has: those of the first run in its order, then what
/// the others add. Cells are empty where a run has no figure.
std::string comparison_csv(std::span<const NamedRun> runs);

/// Of the plot of the layers that all runs have, in the output folder.
std::string comparison_plot_name(PlotFormat format);

/// The layers that all runs have, at the first run's widest precision that all have; nothing where there is
/// none.
std::optional<ChartTable> comparison_table(std::span<const NamedRun> runs);

/// For the terminal: the layers whose alpha is farthest from the first run's at the precision of
/// comparison_table, or why there is none, and those that only one run has.
std::string comparison_text(std::span<const NamedRun> runs);

}  // namespace alphahill
