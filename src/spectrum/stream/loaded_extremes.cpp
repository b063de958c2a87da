#include <algorithm>
#include <array>

#include "alphahill/formats/cast.hpp"
#include "alphahill/spectrum/panels.hpp"
#include "spectrum/stream/stored_panels.hpp"

namespace alphahill {

namespace {

/// Of the slices [begin, end).
Extremes extremes_of(const WeightSource& weights, ElementFormat load, std::int64_t begin, std::int64_t end) {
  const std::int64_t depth = panel_depth(weights.shape());
  StoredPanels stored(weights, end);
  std::vector<double> decoded(CastSurvey::chunk);
  std::vector<float> loaded(CastSurvey::chunk);
  Extremes found;
  for (Slices slices{begin, 0}; slices.first < end; slices.first = slices.end()) {
    slices.depth = std::min(depth, end - slices.first);
    stored.read(slices);
    const std::int64_t count = slices.depth * weights.order();
    for (std::int64_t first = 0; first < count; first += std::ssize(decoded)) {
      const auto size = static_cast<std::size_t>(std::min(std::ssize(decoded), count - first));
      stored.decode(stored.place(slices), first, std::span(decoded).first(size));
      cast_loaded(load, std::span(decoded).first(size), std::span(loaded).first(size));
      found.include(std::span(loaded).first(size));
    }
  }
  return found;
}

}  // namespace

Extremes loaded_extremes(const WeightSource& weights, ElementFormat load, Team& team) {
  const ElementFormat at_most_fp32 = load == ElementFormat::fp64 ? ElementFormat::fp32 : load;
  const std::int64_t slices = weights.shape().longer_side();
  Extremes mine;
  do_together(team, [&] {
    mine = extremes_of(weights, at_most_fp32, slices * team.rank() / team.size(),
                       slices * (team.rank() + 1) / team.size());
  });
  std::array<double, 2> of_all{-static_cast<double>(mine.lowest), mine.highest};
  team.maximum(of_all);
  return {static_cast<float>(-of_all[0]), static_cast<float>(of_all[1])};
}

}  // namespace alphahill
