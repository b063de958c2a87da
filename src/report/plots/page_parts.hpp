/// What all pages have: a header, legends, frames and footnotes.
#pragma once

#include <string>
#include <vector>

#include "alphahill/report/picture.hpp"

namespace alphahill {

inline constexpr double line_height = 18;
inline constexpr double page_margin = 12;  ///< beside the lines of text

struct LegendEntry {
  Marker marker;
  std::string text;
};

/// Title and subtitle, each in a line as long as the page is wide. @return how far down the page is used
double draw_header(Picture& picture, const std::string& title, const std::string& subtitle);

/// As many columns as fit. @param y  middle of the first line. @return that of the line behind the legend
double draw_legend(Picture& picture, std::vector<LegendEntry> entries, double y);

/// @param y  middle of the line before. @return middle of the last line
double draw_footnotes(Picture& picture, const std::vector<std::string>& notes, double y);

struct AxisLabel {
  double middle;
  std::string text;
  bool counts;  ///< one of many in a row: every n-th will do
};

/// Beside one another, as many as have room: all that do not count, and of those that do all or every 2nd, 5th, 10th, ...
/// @param y  middle of their line
/// @param left, right  of the room for them: labels that would reach out of it are moved into it
void draw_axis_labels(Picture& picture, std::vector<AxisLabel> labels, double y, double left, double right);

void draw_border(Picture& picture, const Rect& frame);

}  // namespace alphahill
