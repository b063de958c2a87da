/// The smallest and the largest of some weights.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace alphahill {

struct Extremes {
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -std::numeric_limits<float>::infinity();

  /// NaN is passed over.
  void include(std::span<const float> weights) {
    constexpr std::size_t lanes = 8;  // side by side, since each minimum waits for the one before
    std::array<float, lanes> low;
    std::array<float, lanes> high;
    low.fill(lowest);
    high.fill(highest);
    std::size_t i = 0;
    for (; i + lanes <= weights.size(); i += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        low[lane] = std::min(low[lane], weights[i + lane]);
        high[lane] = std::max(high[lane], weights[i + lane]);
      }
    }
    for (; i < weights.size(); ++i) {
      low[0] = std::min(low[0], weights[i]);
      high[0] = std::max(high[0], weights[i]);
    }
    lowest = *std::ranges::min_element(low);
    highest = *std::ranges::max_element(high);
  }
  void include(const Extremes& others) {
    lowest = std::min(lowest, others.lowest);
    highest = std::max(highest, others.highest);
  }
  float largest_magnitude() const { return std::max(std::fabs(lowest), std::fabs(highest)); }
};

}  // namespace alphahill
