/// A page of panels of one size in rows and columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "alphahill/report/picture.hpp"
#include "report/plots/page_parts.hpp"

namespace alphahill {

struct GridPlan {
  std::string title;
  std::string subtitle;
  std::vector<LegendEntry> legend;
  std::vector<std::string> panels;  ///< their titles, in rows
  double panel_width = 0;           ///< of a frame, in pixels
  double panel_height = 0;
  double left = 0;   ///< room beside a frame, for labels
  double below = 0;  ///< room under a frame, the same
  std::vector<std::string> footnotes;
};

/// The page with all but what is in its frames and the labels beside them.
class PanelGrid {
 public:
  explicit PanelGrid(const GridPlan& plan);

  Picture picture;

  /// Its frame is to be drawn behind what is in it.
  const Rect& frame(std::size_t panel) const { return frames_[panel]; }

 private:
  std::vector<Rect> frames_;
};

}  // namespace alphahill
