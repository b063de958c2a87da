/// The ways that a Gram matrix of any order can go on a device.
#pragma once

#include <string>

#include "spectrum/backends/device/device_backend.hpp"

namespace alphahill {

inline constexpr std::int64_t never = std::int64_t{1} << 40;
inline constexpr DeviceWays always_together{.first_alone = never, .first_by_band = never};
inline constexpr DeviceWays always_alone{.first_alone = 0, .first_by_band = never};
inline constexpr DeviceWays always_band{.first_alone = 0, .first_by_band = 0};

inline std::string name_of(const DeviceWays& ways) {
  if (ways.first_by_band == 0) return "Band";
  return ways.first_alone == 0 ? "SingleRank" : "Together";
}

}  // namespace alphahill
