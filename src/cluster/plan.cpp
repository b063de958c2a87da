#include "alphahill/cluster/plan.hpp"

#include <algorithm>
#include <queue>

namespace alphahill {

namespace {

StoredMatrix shape_of(const Layer& layer) {
  return {layer.rows, layer.cols, layer.format, {}};
}

double decompositions(const Layer& layer, const AnalysisSettings& settings) {
  return static_cast<double>(expected_decompositions(layer.format, settings));
}

}  // namespace

double flops(const Layer& layer, const AnalysisSettings& settings) {
  const StoredMatrix matrix = shape_of(layer);
  const auto m = static_cast<double>(matrix.longer_side());
  const auto n = static_cast<double>(matrix.order());
  return decompositions(layer, settings) * (m * n * n + 4.0 / 3.0 * n * n * n);
}

double bytes_to_read(const Layer& layer, const AnalysisSettings& settings) {
  return decompositions(layer, settings) * static_cast<double>(layer.numel() * bytes_of(layer.format));
}

std::int64_t bytes_needed(const Layer& layer) {
  return peak_bytes(shape_of(layer));
}

Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings,
               const std::function<bool(std::int64_t layer)>& finished) {
  Plan plan;
  for (std::size_t i = 0; i < catalog.layers.size(); ++i) {
    const Layer& layer = catalog.layers[i];
    const auto number = static_cast<std::int64_t>(i) + 1;
    if (!layer.unsupported.empty() || finished(number)) continue;
    plan.layers.push_back({number, flops(layer, settings)});
    plan.flops += plan.layers.back().flops;
    plan.bytes += bytes_to_read(layer, settings);
    plan.peak_bytes = std::max(plan.peak_bytes, bytes_needed(layer));
  }
  std::ranges::stable_sort(plan.layers, std::greater{}, &PlannedLayer::flops);
  return plan;
}

double predicted_seconds(const Plan& plan, int ranks, double flops_per_second) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (int rank = 0; rank < ranks; ++rank) free_at.push(0);
  double end = 0;
  for (const PlannedLayer& layer : plan.layers) {
    const double done = free_at.top() + layer.flops / flops_per_second;
    free_at.pop();
    free_at.push(done);
    end = std::max(end, done);
  }
  return end;
}

}  // namespace alphahill
