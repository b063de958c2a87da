/// What computes layers for a worker, one at a time.
#pragma once

#include <functional>
#include <vector>

#include "alphahill/runtime/worker.hpp"

namespace alphahill {

using ComputeLayer = std::function<LayerRecord(std::int64_t layer, int team_size)>;

inline ComputeLayers layer_by_layer(const ComputeLayer& compute) {
  return {
      .compute =
          [compute](std::span<const std::int64_t> layers, int team_size, std::vector<LayerRecord>& records) {
            records.push_back(compute(layers.front(), team_size));
          },
      .most_at_once = 1};
}

}  // namespace alphahill
