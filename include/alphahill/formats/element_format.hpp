/// The floating-point formats that weights are stored in and cast to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

enum class ElementFormat : std::uint8_t { fp64, fp32, fp16, bf16 };
constexpr ElementFormat last_of(ElementFormat) {
  return ElementFormat::bf16;
}

/// "fp64", "fp32", "fp16", "bf16".
std::string_view name_of(ElementFormat format);
/// Bytes of one stored value.
std::int64_t bytes_of(ElementFormat format);
/// Significant bits, the implicit one included: a wider format holds every value with fewer of them more
/// exactly.
int significand_bits(ElementFormat format);

/// The format of a safetensors dtype such as "BF16", or nothing where its values are not read as weights.
std::optional<ElementFormat> format_of(std::string_view dtype);

/// @throws Error(usage) naming `option` and the formats it may be
ElementFormat parse_format(std::string_view name, std::string_view option,
                           const std::vector<ElementFormat>& allowed);

}  // namespace alphahill
