#include "report/plots/picture_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace alphahill {

namespace {

constexpr double pixels_per_character = 7;

/// In UTF-8.
bool starts_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

}  // namespace

std::string drawable(std::string_view text) {
  // Two-byte characters with lead bytes C2 to C8 are Latin (up to U+023F); "…" is ours.
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t size = 1;
    while (i + size < text.size() && !starts_character(text[i + size])) ++size;
    const std::string_view character = text.substr(i, size);
    const auto lead = static_cast<unsigned char>(character.front());
    const bool latin = size == 1 ? lead >= 0x20 && lead < 0x7F : size == 2 && lead >= 0xC2 && lead <= 0xC8;
    result += latin || character == "…" ? character : "?";
    i += size;
  }
  return result;
}

std::string shortened(std::string_view text, std::size_t characters) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_character(text[i])) starts.push_back(i);
  }
  if (starts.size() <= characters) return std::string(text);
  const std::size_t head = (characters - 1) / 2;
  const std::size_t tail = characters - 1 - head;
  return fmt::format("{}…{}", text.substr(0, starts[head]), text.substr(starts[starts.size() - tail]));
}

double text_width(std::string_view text) {
  return pixels_per_character * static_cast<double>(std::ranges::count_if(text, starts_character));
}

std::size_t characters_in(double width) {
  return static_cast<std::size_t>(width / pixels_per_character);
}

}  // namespace alphahill
