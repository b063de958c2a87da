/// What one weight adds to the sums of a survey, for the CPU and for a GPU.
#pragma once

#include <cmath>
#include <limits>

#include "alphahill/base/host_device.hpp"

namespace alphahill {

struct CastTerms {
  double square;         ///< of the cast weight
  double squared_error;  ///< of cast minus stored weight
  double nonfinite;      ///< 1 where the cast weight is NaN or Inf
};

ALPHAHILL_HOST_DEVICE inline CastTerms cast_terms(float cast, double stored) {
  const auto value = static_cast<double>(cast);
  const double error = value - stored;
  const bool finite = std::fabs(value) <= static_cast<double>(std::numeric_limits<float>::max());
  return {value * value, error * error, finite ? 0.0 : 1.0};
}

/// |E| of two casts whose bits differ.
ALPHAHILL_HOST_DEVICE inline double absolute_difference(float one, float other) {
  return std::fabs(static_cast<double>(one) - static_cast<double>(other));
}

}  // namespace alphahill
