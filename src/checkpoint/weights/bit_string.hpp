/// Codes of 1 to 8 bits in a string of bits without gaps, which begins at the lowest bit of the first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace alphahill {

/// Writes the first codes of a string, one a byte.
/// @param string  at least as many bytes as hold them
void unpack(std::span<const std::byte> string, std::int64_t bits, std::span<std::uint8_t> codes);

}  // namespace alphahill
