#include "report/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "alphahill/formats/precision.hpp"
#include "alphahill/results/sensitivity.hpp"

namespace alphahill {

std::vector<Rounding> roundings_of(const ReportView& view) {
  std::vector<Rounding> roundings;
  for (const std::string& name : view.shown_precisions()) {
    const auto precision = find_precision(name);
    roundings.push_back({.precision = name,
                         .scaled = precision && precision->scaled(),
                         .errors = {},
                         .scores = {},
                         .alphas = {}});
  }
  double weights = 0;
  for (const ReportedLayer& layer : view.layers) {
    const std::vector<Sensitivity> sensitivities = sensitivities_of(layer);
    const auto numel = static_cast<double>(layer.layer.numel);
    weights += numel;
    for (std::size_t p = 0; p < roundings.size(); ++p) {
      roundings[p].bits_per_weight += sensitivities[p].bits_per_weight * numel;
      roundings[p].errors.push_back(layer.few_eigenvalues ? no_figure : sensitivities[p].row->cast_error);
      roundings[p].scores.push_back(layer.few_eigenvalues ? no_figure : sensitivities[p].score);
      roundings[p].alphas.push_back(sensitivities[p].row->alpha);
    }
  }
  for (Rounding& rounding : roundings) rounding.bits_per_weight /= weights;
  std::erase_if(roundings,
                [](const Rounding& rounding) { return !rounding.scaled && !changes_weights(rounding); });
  return roundings;
}

bool changes_weights(const Rounding& rounding) {
  return std::ranges::any_of(rounding.errors, [](double error) { return error > 0; });
}

std::vector<std::size_t> largest_scores(const Rounding& rounding, std::size_t most) {
  std::vector<std::size_t> layers(rounding.scores.size());
  std::iota(layers.begin(), layers.end(), std::size_t{0});
  const auto score = [&](std::size_t layer) { return rounding.scores[layer]; };
  std::erase_if(layers, [&](std::size_t layer) { return !(score(layer) > 0); });
  std::ranges::stable_sort(layers, std::greater{}, score);
  layers.resize(std::min(layers.size(), most));
  return layers;
}

}  // namespace alphahill
