/// The floating-point formats that weights are stored in and cast to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

enum class Format : std::uint8_t { fp64, fp32, fp16, bf16 };
constexpr Format last_of(Format) {
  return Format::bf16;
}

/// "fp64", "fp32", "fp16", "bf16".
std::string_view name_of(Format format);
/// Bytes of one stored value.
std::int64_t bytes_of(Format format);
/// Significant bits, the implicit one included: a wider format holds every value with fewer of them more
/// exactly.
int significand_bits(Format format);

/// The format of a safetensors dtype such as "BF16", or nothing where its values are not read as weights.
std::optional<Format> format_of(std::string_view dtype);

/// @throws Error(usage) naming `option` and the formats it may be
Format parse_format(std::string_view name, std::string_view option, const std::vector<Format>& allowed);

}  // namespace alphahill
