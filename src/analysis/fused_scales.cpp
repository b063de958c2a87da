#include "analysis/fused_scales.hpp"

#include <optional>

#include "alphahill/checkpoint/layer_weights.hpp"

namespace alphahill {

namespace {

Extremes extremes_of(const Catalog& catalog, const Layer& layer, ElementFormat load, Team& team) {
  std::optional<LayerWeights> weights;
  do_together(team, [&] { weights.emplace(catalog, layer); });
  const Extremes extremes = loaded_extremes(weights->source(), load, team);
  do_together(team, [&] { weights->check_unchanged(); });
  return extremes;
}

}  // namespace

AnalysisSettings with_fused_scales(AnalysisSettings settings, const Catalog& catalog, const Layer& layer,
                                   Team& team) {
  if (!settings.observes_partners()) return settings;
  Extremes partners;
  for (const Layer& partner : layer.fused_with) {
    partners.include(extremes_of(catalog, partner, settings.load, team));
  }
  for (std::vector<Precision>* precisions : {&settings.precisions, &settings.survey}) {
    for (Precision& precision : *precisions) {
      if (precision.has_tensor_scale()) precision.scaling.partners = partners;
    }
  }
  return settings;
}

}  // namespace alphahill
