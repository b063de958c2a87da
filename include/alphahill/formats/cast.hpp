/// Bit-exact casts between the formats: round to nearest, ties to even, subnormals and overflow as IEEE 754
/// says.
///
/// Values of every format are held in the narrowest C++ type that has them all: float for fp32, fp16 and
/// bf16, double for fp64. NaN stays NaN; its payload is not kept.
///
/// The functions on spans run over blocks of any length with the widest vectors that the processor has;
/// `from` and `to` have equal length and do not overlap.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "alphahill/base/host_device.hpp"
#include "alphahill/formats/element_format.hpp"

namespace alphahill {

/// The nearest fp16 value; |x| >= 65520 gives infinity.
ALPHAHILL_HOST_DEVICE inline float round_to_fp16(float value) {
  constexpr std::uint32_t dropped_bits = 13;
  constexpr float smallest_normal = 0x1p-14F;
  // Adding 2^-1, whose last bit counts 2^-24, rounds to a multiple of the fp16 subnormal step.
  constexpr float subnormal_rounder = 0x1p-1F;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits & 0x80000000U;
  const std::uint32_t magnitude = bits ^ sign;
  const std::uint32_t half = (1U << (dropped_bits - 1)) - 1 + ((magnitude >> dropped_bits) & 1U);
  const float normal = std::bit_cast<float>((magnitude + half) & ~((1U << dropped_bits) - 1));
  const float size = std::bit_cast<float>(magnitude);
  const float subnormal = (size + subnormal_rounder) - subnormal_rounder;
  float rounded = size < smallest_normal ? subnormal : normal;
  rounded = rounded > 65504.0F ? std::numeric_limits<float>::infinity() : rounded;
  rounded = size != size ? size : rounded;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(rounded) | sign);
}

/// The nearest bf16 value.
ALPHAHILL_HOST_DEVICE inline float round_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) & 0xFFFF0000U;
  return value != value ? value : std::bit_cast<float>(rounded);
}

/// The nearest fp32 value, but an inexact one with its last bit set (round to odd): a later rounding to a
/// format of at most 22 significant bits then gives what one rounding of the fp64 value would. Boldo and
/// Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd" (2008).
ALPHAHILL_HOST_DEVICE inline float round_to_odd_fp32(double value) {
  const auto nearest = static_cast<float>(value);
  const auto widened = static_cast<double>(nearest);
  const std::uint32_t overshoots = std::fabs(widened) > std::fabs(value) ? 1U : 0U;
  const std::uint32_t inexact = widened < value || widened > value ? 1U : 0U;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(nearest) - overshoots) | inexact);
}

/// The fp16 value of a 16-bit code.
ALPHAHILL_HOST_DEVICE inline float decode_fp16(std::uint16_t code) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(code & 0x7FFFU) << 13;
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x8000U) << 16;
  const float normal = std::bit_cast<float>(magnitude + (112U << 23));
  const float subnormal = std::bit_cast<float>(magnitude + (113U << 23)) - 0x1p-14F;
  const float special = std::bit_cast<float>(magnitude + (224U << 23));
  float value = (code & 0x7C00U) == 0 ? subnormal : normal;
  value = (code & 0x7C00U) == 0x7C00U ? special : value;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
}

/// The bf16 value of a 16-bit code.
ALPHAHILL_HOST_DEVICE inline float decode_bf16(std::uint16_t code) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(code) << 16);
}

/// The stored values of raw little-endian bytes, exactly.
/// @param bytes  to.size() * bytes_of(stored) bytes, of any alignment
void decode(ElementFormat stored, std::span<const std::byte> bytes, std::span<double> to);

/// The first cast of stored values, in one rounding.
/// @param load  fp32, fp16 or bf16
void cast_loaded(ElementFormat load, std::span<const double> from, std::span<float> to);

/// The cast of loaded values to a precision; fp64 and fp32 hold them all.
void cast(ElementFormat precision, std::span<const float> from, std::span<float> to);
/// The same of values loaded as fp64, in one rounding.
void cast(ElementFormat precision, std::span<const double> from, std::span<double> to);

}  // namespace alphahill
