/// What one weight adds to the sums of a survey, for the CPU and for a GPU.
#pragma once

#include <cmath>
#include <limits>

#include "alphahill/base/host_device.hpp"

namespace alphahill {

struct CastTerms {
  double square;  ///< of the cast weight
  double error;   ///< |cast - stored weight|
  double squared_error;
  double nonfinite;  ///< 1 where the cast weight is NaN or Inf
  double zeroed;     ///< 1 where the cast weight is 0 and the stored one is not
};

/// @param cast  float, or double where weights are loaded as fp64
template <class Value>
ALPHAHILL_HOST_DEVICE inline CastTerms cast_terms(Value cast, double stored) {
  const auto value = static_cast<double>(cast);
  const double error = value - stored;
  const bool finite = std::fabs(value) <= static_cast<double>(std::numeric_limits<Value>::max());
  const bool zeroed = value == 0 && stored != 0;
  return {value * value, std::fabs(error), error * error, finite ? 0.0 : 1.0, zeroed ? 1.0 : 0.0};
}

/// |E| of two casts whose bits differ.
template <class Value>
ALPHAHILL_HOST_DEVICE inline double absolute_difference(Value one, Value other) {
  return std::fabs(static_cast<double>(one) - static_cast<double>(other));
}

}  // namespace alphahill
