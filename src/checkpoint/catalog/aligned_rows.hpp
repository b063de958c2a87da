/// Rows of text in aligned columns.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace alphahill {

/// One line a row, two spaces between columns, none at the end. A text of more than 100 bytes spoils its own line
/// and no other.
/// @param to_the_right  of each column, as for numbers
template <std::size_t columns>
std::string aligned(const std::vector<std::array<std::string, columns>>& rows,
                    const std::array<bool, columns>& to_the_right) {
  constexpr std::size_t most_width = 100;
  std::array<std::size_t, columns> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i].size() <= most_width) widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      line += i == 0 ? "" : "  ";
      line += to_the_right[i] ? fmt::format("{:>{}}", row[i], widths[i])
                              : fmt::format("{:<{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace alphahill
