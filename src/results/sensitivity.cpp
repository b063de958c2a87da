#include "alphahill/results/sensitivity.hpp"

#include "alphahill/formats/precision.hpp"

namespace alphahill {

std::vector<Sensitivity> sensitivities_of(const ReportedLayer& layer) {
  std::vector<Sensitivity> sensitivities;
  for (std::size_t p = 0; p < layer.figures.size() + layer.surveyed.size(); ++p) {
    const bool surveyed = p >= layer.figures.size();
    const ResultRow& row = surveyed ? layer.surveyed[p - layer.figures.size()] : layer.figures[p];
    Sensitivity& sensitivity = sensitivities.emplace_back(Sensitivity{.row = &row});
    if (const auto precision = find_precision(row.precision)) {
      sensitivity.bits_per_weight =
          precision->bits_per_weight(layer.layer.out_features, layer.layer.in_features);
    }
    sensitivity.alpha_change = row.alpha - layer.reference_alpha;
    if (!surveyed && !layer.change_errors.empty()) sensitivity.alpha_change_stderr = layer.change_errors[p];
    sensitivity.score = layer.effective_rank * row.cast_error * row.cast_error;
    sensitivity.score_per_weight = sensitivity.score / static_cast<double>(layer.layer.numel);
  }
  return sensitivities;
}

}  // namespace alphahill
