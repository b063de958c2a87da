/// Codes of fewer than 16 bits, in which quantized weights and their scales are stored, as numbers.
///
/// The functions on spans run over whole rows with the widest vectors that the processor has; `to` does not
/// overlap what is read.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alphahill/base/host_device.hpp"
#include "alphahill/base/vector_level.hpp"

namespace alphahill {

/// FP8 with 4 bits of exponent (bias 7) and 3 of mantissa, without infinities; 0x7F and 0xFF are NaN.
ALPHAHILL_HOST_DEVICE inline float decode_f8_e4m3(std::uint8_t code) {
  constexpr std::uint32_t sign_bit = 0x80000000U;
  constexpr std::uint32_t magnitude_bits = 0x7FU << 20;
  constexpr float smallest_normal = 0x1p-6F;
  const auto widened = static_cast<std::uint32_t>(static_cast<std::int8_t>(code)) << 20;
  const std::uint32_t magnitude = widened & magnitude_bits;
  // Twice a normal number, or a subnormal one and the smallest normal one together; the smaller of the two that
  // follow is right.
  const float read = std::bit_cast<float>(magnitude + (121U << 23));
  const float normal = read / 2;
  const float subnormal = read - smallest_normal;
  const float value = subnormal < normal ? subnormal : normal;
  const std::uint32_t not_a_number = magnitude == magnitude_bits ? ~0U : 0U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | (widened & sign_bit) | not_a_number);
}

/// FP4 with 2 bits of exponent (bias 1) and 1 of mantissa, without infinities and NaN. @pre code < 16
ALPHAHILL_INLINE constexpr float decode_f4_e2m1(std::uint32_t code) {
  const std::uint32_t magnitude = code & 7U;
  const float normal = std::bit_cast<float>((magnitude << 22) + (126U << 23));
  const float value = magnitude < 2 ? 0.5F * static_cast<float>(static_cast<int>(magnitude)) : normal;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | (code & 8U) << 28);
}

/// 2^(code - 127); 255 is NaN.
ALPHAHILL_INLINE inline float decode_f8_e8m0(std::uint8_t code) {
  constexpr std::uint32_t subnormal = 1U << 22;
  constexpr std::uint32_t not_a_number = 0x7FC00000U;
  const std::uint32_t bits = code == 0 ? subnormal : std::uint32_t{code} << 23;
  return std::bit_cast<float>(code == 255 ? not_a_number : bits);
}

void decode_f8_e4m3(std::span<const std::byte> codes, std::span<float> to);
void decode_f8_e8m0(std::span<const std::byte> codes, std::span<float> to);
/// Two's complement.
void decode_int8(std::span<const std::byte> codes, std::span<float> to);

/// The numbers of the two codes in each byte.
using NumberPairs = std::array<std::array<float, 2>, 256>;

/// Of codes of 4 bits, by the number of each.
/// @param first_in_low_bits  of the two codes in a byte
constexpr NumberPairs number_pairs(std::span<const float, 16> numbers, bool first_in_low_bits) {
  NumberPairs pairs{};
  for (std::size_t byte = 0; byte < pairs.size(); ++byte) {
    const std::array<float, 2> low_and_high{numbers[byte % 16], numbers[byte / 16]};
    pairs[byte] = {low_and_high[first_in_low_bits ? 0 : 1], low_and_high[first_in_low_bits ? 1 : 0]};
  }
  return pairs;
}
/// @param codes  of to.size() / 2 bytes or more; to.size() is even
void decode_pairs(const NumberPairs& pairs, std::span<const std::byte> codes, std::span<float> to);
/// FP4, two to a byte, the first in its low bits, likewise.
void decode_f4_e2m1(std::span<const std::byte> codes, std::span<float> to);

/// FP4, one in each byte, in its low or its high bits.
void decode_f4_e2m1_nibbles(std::span<const std::byte> codes, bool high, std::span<float> to);

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
void multiply(std::span<const float> codes, RowGroups groups, std::span<const float> scales,
              std::span<double> to);
/// values[k] += terms[g].
void add(std::span<const float> terms, RowGroups groups, std::span<double> values);
/// codes[k] -= zero_points[g].
void subtract(std::span<const float> zero_points, RowGroups groups, std::span<float> codes);
/// values[k] /= divisor.
void divide(double divisor, std::span<double> values);

}  // namespace alphahill
