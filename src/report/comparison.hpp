/// Several runs side by side, their layers matched by name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/results/view.hpp"
#include "report/plots/charts.hpp"

namespace alphahill {

struct NamedRun {
  std::string name;
  ReportView view;
};

/// layer_name, precision, then alpha_R and, from the second run on, change_R (relative to the first run) for
/// each run R. One row a layer and precision that any run has: those of the first run in its order, then what
/// the others add. Cells are empty where a run has no figure.
std::string comparison_csv(std::span<const NamedRun> runs);

/// The layers that all runs have, at the first run's widest precision that all have; nothing where there is
/// none.
std::optional<ChartTable> comparison_table(std::span<const NamedRun> runs);

}  // namespace alphahill
