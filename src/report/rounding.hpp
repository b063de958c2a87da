/// What rounding to each precision of a view does to its layers: for plots and summary.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "alphahill/results/view.hpp"

namespace alphahill {

/// Of a precision that has scales or changes some weight; of each layer of the view NaN where there is no figure.
struct Rounding {
  std::string precision;
  bool scaled = false;         ///< below 16 bits, in groups that share a scale
  double bits_per_weight = 0;  ///< with scales, of all layers together
  std::vector<double> errors;  ///< relative; NaN too where there are few eigenvalues
  std::vector<double> scores;  ///< of sensitivity, the same
  std::vector<double> alphas;
};

/// Does any weight of any layer change?
bool changes_weights(const Rounding& rounding);

/// In the order of the view.
std::vector<Rounding> roundings_of(const ReportView& view);

/// The layers with the largest scores, those first; fewer than `most` where fewer have one above 0.
std::vector<std::size_t> largest_scores(const Rounding& rounding, std::size_t most);

}  // namespace alphahill
