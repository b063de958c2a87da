/// What rounding to a precision does to a layer, and how much the layer is likely to mind.
#pragma once

#include <vector>

#include "alphahill/results/view.hpp"

namespace alphahill {

/// Of a layer at one precision; NaN where something was not computed.
struct Sensitivity {
  const ResultRow* row;                ///< of the layer
  double bits_per_weight = no_figure;  ///< with scales
  double alpha_change = no_figure;     ///< alpha - alpha at the reference
  double alpha_change_stderr = no_figure;
  /// Effective rank of the unrounded weights x squared relative error of the rounded ones: of the scores that need the
  /// weights alone, the one that agreed best with the damage to two small models.
  double score = no_figure;
  double score_per_weight = no_figure;
};

/// One a precision of the view, then one a surveyed precision. The layer outlives them.
std::vector<Sensitivity> sensitivities_of(const ReportedLayer& layer);

}  // namespace alphahill
