#include "alphahill/analysis/planned_layers.hpp"

#include <algorithm>

#include "alphahill/formats/distinct_casts.hpp"
#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

namespace {

/// What is read of a layer's partners, once.
struct PartnersRead {
  std::int64_t bytes = 0;
  std::int64_t weights = 0;
  std::int64_t memory = 0;  ///< for the one that needs most
};

PartnersRead partners_to_read(const Layer& layer, const AnalysisSettings& settings) {
  PartnersRead read;
  if (!settings.observes_partners()) return read;
  for (const Layer& partner : layer.fused_with) {
    const WeightShape shape = partner.shape();
    read.bytes += shape.stored_bytes;
    read.weights += partner.numel();
    read.memory = std::max(read.memory, reading_bytes(shape));
  }
  return read;
}

}  // namespace

LayerShape shape_of(const Layer& layer, const AnalysisSettings& settings, std::int32_t stored) {
  const WeightShape shape = layer.shape();
  const auto to_compute = std::span(settings.precisions).subspan(static_cast<std::size_t>(stored));
  const PartnersRead partners_read = partners_to_read(layer, settings);
  return {shape.longer_side(),
          shape.order(),
          shape.stored_bytes,
          distinct_casts(shape.values, settings.load, to_compute, settings.share_tolerance > 0),
          std::ranges::count_if(settings.all_precisions(), &Precision::scaled),
          to_compute.empty() || stored > 0,
          partners_read.bytes,
          partners_read.weights};
}

std::int64_t bytes_needed(const Layer& layer, const AnalysisSettings& settings, int team_size) {
  const std::int64_t own =
      settings.precisions.empty() ? reading_bytes(layer.shape()) : peak_bytes(layer.shape(), team_size);
  return std::max(own, partners_to_read(layer, settings).memory);
}

std::optional<int> smallest_team(const Layer& layer, const AnalysisSettings& settings,
                                 const BlockLayout& ranks, std::int64_t memory_per_rank) {
  const std::vector<int> sizes = ranks.sizes_from(1);
  const auto enough = std::ranges::find_if(
      sizes, [&](int size) { return bytes_needed(layer, settings, size) <= memory_per_rank; });
  return enough == sizes.end() ? std::nullopt : std::optional(*enough);
}

Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings, const BlockLayout& ranks,
               std::int64_t memory_per_rank, const std::function<LayerState(std::int64_t layer)>& state,
               std::span<const std::int32_t> stored) {
  Plan plan;
  std::int64_t number = 0;
  for (const Layer& layer : catalog.layers) {
    const LayerState of_layer = state(++number);
    if (layer.unsupported() != nullptr || of_layer == LayerState::finished) continue;
    plan.layers.push_back(
        {.number = number,
         .shape =
             shape_of(layer, settings, stored.empty() ? 0 : stored[static_cast<std::size_t>(number - 1)]),
         .least_team = smallest_team(layer, settings, ranks, memory_per_rank).value(),
         .alone = of_layer == LayerState::suspect});
  }
  return plan;
}

}  // namespace alphahill
