/// The texts of a picture, and where they lie on its page.
#pragma once

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "report/plots/picture_text.hpp"

namespace alphahill {

struct ShownText {
  std::string text;
  Rect place;  ///< of a slanted text nothing
};

/// Of an SVG.
inline std::vector<ShownText> texts_of(const std::string& svg) {
  std::vector<ShownText> texts;
  const std::regex pattern(
      "<text transform=\"translate\\(([-0-9.]+) ([-0-9.]+)\\) "
      "rotate\\(([-0-9]+)\\)\"[^>]*font-size=\"([0-9]+)\" "
      "text-anchor=\"([a-z]+)\"[^>]*>([^<]*)<.*");
  std::istringstream lines(svg);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("<text") || !std::regex_match(line, match, pattern)) continue;
    const double x = std::stod(match[1]);
    const double y = std::stod(match[2]);
    const double size = std::stod(match[4]);
    const std::string text = match[6];
    const double width = text_width(text) * size / 12;
    const std::string anchor = match[5];
    const double before = anchor == "start" ? 0 : anchor == "end" ? width : width / 2;
    const bool upright = match[3] == "-90";
    const Rect place = upright ? Rect{x - size / 2, x + size / 2, y - (width - before), y + before}
                               : Rect{x - before, x - before + width, y - size / 2, y + size / 2};
    if (match[3] == "-45") continue;
    texts.push_back({text, place});
  }
  return texts;
}

/// No text covers another or leaves the page.
inline void expect_readable(const std::string& svg, double width) {
  const std::vector<ShownText> texts = texts_of(svg);
  ASSERT_FALSE(texts.empty());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& [text, a] = texts[i];
    EXPECT_GE(a.left, 0) << text;
    EXPECT_LE(a.right, width) << text;
    for (std::size_t j = 0; j < i; ++j) {
      const Rect& b = texts[j].place;
      const bool overlap = a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
      EXPECT_FALSE(overlap) << text << " and " << texts[j].text;
    }
  }
}

}  // namespace alphahill
