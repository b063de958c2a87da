/// The smallest and the largest of some weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace alphahill {

struct Extremes {
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -std::numeric_limits<float>::infinity();

  /// NaN is passed over.
  void include(std::span<const float> weights) {
    // Side by side, since each minimum waits for the one before.
    using Lanes [[gnu::vector_size(16)]] = float;
    constexpr std::size_t lanes = sizeof(Lanes) / sizeof(float);
    Lanes low = lowest + Lanes{};
    Lanes high = highest + Lanes{};
    std::size_t i = 0;
    for (; i + lanes <= weights.size(); i += lanes) {
      Lanes values;
      std::memcpy(&values, &weights[i], sizeof values);
      low = values < low ? values : low;
      high = high < values ? values : high;
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) include({.lowest = low[lane], .highest = high[lane]});
    for (; i < weights.size(); ++i) include({.lowest = weights[i], .highest = weights[i]});
  }
  void include(const Extremes& others) {
    lowest = std::min(lowest, others.lowest);
    highest = std::max(highest, others.highest);
  }
  float largest_magnitude() const { return std::max(std::fabs(lowest), std::fabs(highest)); }
};

}  // namespace alphahill
