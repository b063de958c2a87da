#include "formats/group_casts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "alphahill/base/error.hpp"
#include "formats/convert_each.hpp"
#include "formats/minifloat.hpp"

namespace alphahill {

namespace {

/// How many weights lie outside [lowest, highest], but for what the rounding of a scale moves these by.
std::int64_t count_outside(std::span<const float> weights, const Extremes& group, float lowest,
                           float highest) {
  constexpr float with_rounding = 1 + 0x1p-20F;
  const float least = lowest * with_rounding;
  const float most = highest * with_rounding;
  if (!(group.lowest < least || group.highest > most)) return 0;
  return std::ranges::count_if(weights, [&](float weight) { return weight < least || weight > most; });
}

/// In place of a scale of 0, which nothing can be divided by.
float nonzero(float scale) {
  return scale == 0 ? std::numeric_limits<float>::epsilon() : scale;
}

template <class Format>
std::int64_t divide_and_round(std::span<const float> from, const Extremes& group, float scale,
                              std::span<float> to) {
  convert_each(from, to, [scale](float weight) ALPHAHILL_INLINE {
    return Format::round(clamped(weight / scale, -Format::largest, Format::largest)) * scale;
  });
  const float end = Format::half_step_more * scale;
  return count_outside(from, group, -end, end);
}

/// Scale amax over the largest number of the format.
template <class Format>
std::int64_t amax_cast(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  const float scale = nonzero(inputs.group.largest_magnitude() / Format::largest);
  return divide_and_round<Format>(from, inputs.group, scale, to);
}

/// To the nearest integer, ties to even. @pre |value| <= 2^22
[[gnu::always_inline]] inline float rounded_to_integer(float value) {
  constexpr float rounder = 0x1.8p23F;
  return (value + rounder) - rounder;
}

/// Nothing is clipped: the largest magnitude lies half a step beyond the largest code.
template <int bits>
std::int64_t symmetric_cast(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  constexpr float half_range = ((1 << bits) - 1) / 2.0F;
  constexpr float lowest = -(1 << (bits - 1));
  const float scale = nonzero(inputs.group.largest_magnitude() / half_range);
  convert_each(from, to, [scale](float weight) ALPHAHILL_INLINE {
    return rounded_to_integer(clamped(weight / scale, lowest, -lowest - 1)) * scale;
  });
  return 0;
}

/// Nothing is clipped: the rounding of the zero point moves both ends by half a step at most.
template <int bits>
std::int64_t asymmetric_cast(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  constexpr float range = (1 << bits) - 1;
  constexpr float lowest = -(1 << (bits - 1));
  const float least = std::min(inputs.group.lowest, 0.0F);
  const float scale = (std::max(inputs.group.highest, 0.0F) - least) / range;
  const float zero =
      scale == 0 ? 0 : rounded_to_integer(clamped(lowest - least / scale, lowest, -lowest - 1));
  convert_each(from, to, [scale = nonzero(scale), zero](float weight) ALPHAHILL_INLINE {
    const float code = rounded_to_integer(clamped(weight / scale + zero, lowest, -lowest - 1));
    return (code - zero) * scale;
  });
  return 0;
}

template <int bits>
GroupCast integer_cast(bool symmetric) {
  return symmetric ? symmetric_cast<bits> : asymmetric_cast<bits>;
}

/// floor(log2 value) of a value >= 0 to whose mantissa `carry` is added before; -127 where it is less than 2^-126.
int floor_log2(float value, std::uint32_t carry) {
  return static_cast<int>((std::bit_cast<std::uint32_t>(value) + carry) >> 23) - 127;
}

/// E8M0's power of two, by the largest magnitude; an infinite one stays so.
float mx_scale(float largest, std::uint32_t carry, int emax) {
  if (!std::isfinite(largest)) return largest;
  return std::ldexp(1.0F, std::clamp(floor_log2(largest, carry) - emax, -127, 127));
}

/// Half of the last bit of a mantissa that is all ones: what lies above rounds to the next power of two.
constexpr std::uint32_t half_of_last(int mantissa_bits) {
  return 1U << (23 - mantissa_bits - 1);
}

/// @param emax  of the largest element
template <class Format, int emax>
std::int64_t mx_cast(std::span<const float> from, const Extremes& group, std::uint32_t carry,
                     std::span<float> to) {
  return divide_and_round<Format>(from, group, mx_scale(group.largest_magnitude(), carry, emax), to);
}

/// By the reciprocal, as torch divides a number by a tensor; 1 where it would overflow.
float nvfp4_tensor_scale(const Extremes& tensor) {
  const float largest = std::max(tensor.largest_magnitude(), std::numeric_limits<float>::min());
  const float scale = 1 / largest * (E4m3::largest * E2m1::largest);
  return std::isfinite(scale) ? scale : 1;
}

constexpr std::array<float, 16> nf4_values{
    -1,         -0.6961928F, -0.52507305F, -0.39491749F, -0.28444138F, -0.18477343F, -0.091050036F, 0,
    0.0795803F, 0.1609302F,  0.2461123F,   0.33791524F,  0.44070983F,  0.562617F,    0.72295684F,   1};

/// Half-way to the value before.
constexpr std::array<float, 16> nf4_borders = [] {
  std::array<float, 16> borders{};
  for (std::size_t i = 1; i < borders.size(); ++i) {
    borders[i] = static_cast<float>((double{nf4_values[i - 1]} + double{nf4_values[i]}) / 2);
  }
  return borders;
}();

}  // namespace

std::int64_t cast_to_fp8_e4m3(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return amax_cast<E4m3>(from, inputs, to);
}

std::int64_t cast_to_fp8_e5m2(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return amax_cast<E5m2>(from, inputs, to);
}

GroupCast cast_to_integer(int bits, bool symmetric) {
  switch (bits) {
    case 2:
      return integer_cast<2>(symmetric);
    case 3:
      return integer_cast<3>(symmetric);
    case 4:
      return integer_cast<4>(symmetric);
    case 5:
      return integer_cast<5>(symmetric);
    case 6:
      return integer_cast<6>(symmetric);
    case 7:
      return integer_cast<7>(symmetric);
    case 8:
      return integer_cast<8>(symmetric);
    default:
      throw Error(Fault::internal, "cast_to_integer", "expected 2 to 8 bits");
  }
}

std::int64_t cast_to_mxfp8(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  // The mantissa of E2M1, as compressed-tensors has it.
  return mx_cast<E4m3, 8>(from, inputs.group, half_of_last(E2m1::mantissa), to);
}

std::int64_t cast_to_mxfp6_e2m3(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return mx_cast<E2m3, 2>(from, inputs.group, half_of_last(E2m3::mantissa), to);
}

std::int64_t cast_to_mxfp6_e3m2(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return mx_cast<E3m2, 4>(from, inputs.group, 0, to);
}

std::int64_t cast_to_mxfp4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return mx_cast<E2m1, 2>(from, inputs.group, half_of_last(E2m1::mantissa), to);
}

std::int64_t cast_to_mxfp4_ocp(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  return mx_cast<E2m1, 2>(from, inputs.group, 0, to);
}

std::int64_t cast_to_mxfp4_ceil(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  constexpr std::uint32_t up_to_next_power = (1U << 23) - 1;
  const float scale = mx_scale(inputs.group.largest_magnitude() / E2m1::largest, up_to_next_power, 0);
  return divide_and_round<E2m1>(from, inputs.group, scale, to);
}

std::int64_t cast_to_nvfp4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  constexpr float in_place_of_zero = 0.125;
  const float of_tensor = nvfp4_tensor_scale(inputs.tensor);
  const float chosen = of_tensor * (inputs.group.largest_magnitude() / E2m1::largest);
  const float stored = E4m3::round(clamped(chosen, -E4m3::largest, E4m3::largest));
  const float of_group = stored == 0 ? in_place_of_zero : stored;
  const float scale = of_group / of_tensor;
  convert_each(from, to, [of_group, of_tensor, scale](float weight) ALPHAHILL_INLINE {
    // The product of code and scale is exact: all is rounded once.
    return E2m1::round(clamped(weight / scale, -E2m1::largest, E2m1::largest)) * of_group / of_tensor;
  });
  const float end = E2m1::half_step_more * scale;
  return count_outside(from, inputs.group, -end, end);
}

std::int64_t cast_to_nf4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  const float largest = inputs.group.largest_magnitude();
  convert_each(from, to, [largest, divisor = largest == 0 ? 1 : largest](float weight) ALPHAHILL_INLINE {
    const float part = weight / divisor;
    float value = nf4_values[0];
    for (std::size_t i = 1; i < nf4_values.size(); ++i) value = part > nf4_borders[i] ? nf4_values[i] : value;
    return (part != part ? part : value) * largest;
  });
  return 0;
}

}  // namespace alphahill
