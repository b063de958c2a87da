/// Codes of fewer than 16 bits, in which quantized weights and their scales are stored, as numbers.
///
/// The functions on spans run over whole rows with the widest vectors that the processor has; `to` does not
/// overlap what is read.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alphahill/base/host_device.hpp"
#include "alphahill/base/vector_level.hpp"

namespace alphahill {

/// FP8 with 4 bits of exponent (bias 7) and 3 of mantissa, without infinities; 0x7F and 0xFF are NaN.
ALPHAHILL_HOST_DEVICE inline float decode_f8_e4m3(std::uint8_t code) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(code & 0x7FU) << 20;
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80U) << 24;
  const float normal = std::bit_cast<float>(magnitude + (120U << 23));
  const float subnormal = std::bit_cast<float>(magnitude + (121U << 23)) - 0x1p-6F;
  float value = (code & 0x78U) == 0 ? subnormal : normal;
  value = (code & 0x7FU) == 0x7FU ? std::bit_cast<float>(0x7FC00000U) : value;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
}

/// FP4 with 2 bits of exponent (bias 1) and 1 of mantissa, without infinities and NaN. @pre code < 16
ALPHAHILL_INLINE constexpr float decode_f4_e2m1(std::uint32_t code) {
  const std::uint32_t magnitude = code & 7U;
  const float normal = std::bit_cast<float>((magnitude << 22) + (126U << 23));
  const float value = magnitude < 2 ? 0.5F * static_cast<float>(static_cast<int>(magnitude)) : normal;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | (code & 8U) << 28);
}

/// 2^(code - 127); 255 is NaN.
inline double decode_f8_e8m0(std::uint8_t code) {
  return std::bit_cast<double>(code == 255 ? 0x7FF8000000000000U
                                           : (std::uint64_t{code} + (1023 - 127)) << 52);
}

void decode_f8_e4m3(std::span<const std::byte> codes, std::span<float> to);
/// Two's complement.
void decode_int8(std::span<const std::byte> codes, std::span<float> to);
/// FP4, two to a byte, the first in its low bits. Reads as many
/// bytes as hold to.size() codes, which is even.
void decode_f4_e2m1(std::span<const std::byte> codes, std::span<float> to);

/// Integers of 2 to 8 bits, each less `zero`, in a string of bits that begins with the lowest of the first
/// byte. Reads eight at a time: to.size() is a multiple of that, and `codes` goes on for 8 bytes behind the
/// first code of the last eight.
void decode_bit_string(int bits, int zero, std::span<const std::byte> codes, std::span<float> to);
/// The same with 32 / bits integers, rounded down, to a word of 32 bits, whose top bits are not used.
/// to.size() is a multiple of that.
void decode_words(int bits, int zero, std::span<const std::byte> codes, std::span<float> to);

/// Which values of a row share a scale: `size` consecutive ones, of the first group those from `first` on.
struct RowGroups {
  std::int64_t first;
  std::int64_t size;
};
/// to[k] = codes[k] * scales[g] in the group g of k, exactly where 53 bits hold the product.
void multiply(std::span<const float> codes, RowGroups groups, std::span<const double> scales,
              std::span<double> to);
/// codes[k] -= zero_points[g].
void subtract(std::span<const float> zero_points, RowGroups groups, std::span<float> codes);
/// values[k] /= divisor.
void divide(double divisor, std::span<double> values);

}  // namespace alphahill
