/// The pictures of what rounding to several precisions does to the layers of a model.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/plots/charts.hpp"
#include "report/rounding.hpp"

namespace alphahill {

/// A precision in these pictures.
struct RoundedSeries {
  Rounding rounding;
  std::size_t style = 0;  ///< number of its colour and shape
};

struct RoundingTable {
  std::string subtitle;
  double k_frac = 0;  ///< of the alphas
  std::vector<LayerLabel> layers;
  Roles roles;
  std::vector<RoundedSeries> series;  ///< one or more
  std::string reference_name;
  std::vector<double> reference;  ///< alphas, one a layer
};

/// The relative error of every layer, in a panel for each role.
Picture draw_errors_by_layer(const RoundingTable& table);

/// The layers with the largest scores of sensitivity, in a panel for each precision.
/// @pre  some layer has a score above 0
Picture draw_score_ranking(const RoundingTable& table);

/// Alpha at each precision over alpha at the reference, in a panel for each.
/// @pre  some precision other than the reference has an alpha
Picture draw_alpha_against_base(const RoundingTable& table);

/// The precisions that draw_score_ranking, and draw_alpha_against_base, have panels for.
std::vector<const RoundedSeries*> series_with_scores(const RoundingTable& table);
std::vector<const RoundedSeries*> series_against_base(const RoundingTable& table);

}  // namespace alphahill
