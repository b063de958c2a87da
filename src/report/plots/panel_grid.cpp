#include "report/plots/panel_grid.hpp"

#include <algorithm>
#include <cmath>

#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr double usual_page = 1560;
constexpr double narrowest_page = 640;
constexpr double gap = 20;

double column_width(const GridPlan& plan) {
  return plan.left + plan.panel_width + gap;
}

/// As many as fit, in rows that are as full as one another.
std::size_t grid_columns(const GridPlan& plan) {
  const std::size_t panels = plan.panels.size();
  const auto most = static_cast<std::size_t>(std::max(1.0, std::floor(usual_page / column_width(plan))));
  const std::size_t rows = (panels + most - 1) / most;
  return (panels + rows - 1) / rows;
}

double page_width(const GridPlan& plan) {
  return std::max(narrowest_page, page_margin + static_cast<double>(grid_columns(plan)) * column_width(plan));
}

}  // namespace

PanelGrid::PanelGrid(const GridPlan& plan) : picture(page_width(plan)) {
  double y = draw_legend(picture, plan.legend, draw_header(picture, plan.title, plan.subtitle));
  const std::size_t columns = grid_columns(plan);
  const std::size_t longest = characters_in(plan.panel_width + gap);
  for (std::size_t first = 0; first < plan.panels.size(); first += columns) {
    const double top = y + line_height;
    for (std::size_t i = first; i < std::min(first + columns, plan.panels.size()); ++i) {
      const double left = page_margin + static_cast<double>(i - first) * column_width(plan) + plan.left;
      frames_.push_back({left, left + plan.panel_width, top, top + plan.panel_height});
      picture.text({left, y + 4}, TextStyle::left, shortened(plan.panels[i], longest));
    }
    y = top + plan.panel_height + plan.below + line_height / 2;
  }
  y = draw_footnotes(picture, plan.footnotes, y - line_height / 2);
  picture.set_height(std::ceil(y + 14));
}

}  // namespace alphahill
