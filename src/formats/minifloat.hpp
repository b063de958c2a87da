/// Rounding of fp32 to floating-point formats of 8 bits and fewer.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace alphahill {

/// A format of `mantissa_bits`, implicit one apart, whose normal numbers begin at 2^min_exponent.
template <int mantissa_bits, int min_exponent>
struct Minifloat {
  static constexpr int mantissa = mantissa_bits;

  /// To the nearest, ties to even. NaN stays NaN. @pre |value| is not larger than all of the format
  [[gnu::always_inline]] static float round(float value) {
    constexpr std::uint32_t exponent_mask = 0x7F800000;
    constexpr std::uint32_t least = (127 + min_exponent) << 23;
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits & 0x80000000U;
    const std::uint32_t exponent = std::max(bits & exponent_mask, least);
    // The last bit of this power of two counts as much as that of the result.
    const float rounder = std::bit_cast<float>(exponent + ((23U - mantissa_bits) << 23));
    const float rounded = (std::bit_cast<float>(bits ^ sign) + rounder) - rounder;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(rounded) | sign);
  }
};

// The largest number of each, and half a step more: what lies beyond that is clipped.

struct E4m3 : Minifloat<3, -6> {
  static constexpr float largest = 448;
  static constexpr float half_step_more = 464;
};
struct E5m2 : Minifloat<2, -14> {
  static constexpr float largest = 57344;
  static constexpr float half_step_more = 61440;
};
struct E2m3 : Minifloat<3, 0> {
  static constexpr float largest = 7.5;
  static constexpr float half_step_more = 7.75;
};
struct E3m2 : Minifloat<2, -2> {
  static constexpr float largest = 28;
  static constexpr float half_step_more = 30;
};
struct E2m1 : Minifloat<1, 0> {
  static constexpr float largest = 6;
  static constexpr float half_step_more = 7;
};

/// NaN stays NaN.
[[gnu::always_inline]] inline float clamped(float value, float lowest, float highest) {
  const float from_below = value < lowest ? lowest : value;
  return from_below > highest ? highest : from_below;
}

}  // namespace alphahill
