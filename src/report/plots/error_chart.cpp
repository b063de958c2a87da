#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "alphahill/base/text.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/plots/panel_grid.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/rounding_charts.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

namespace {

constexpr double wished_slot = 12;
constexpr double narrowest_role_panel = 260;
constexpr double widest_role_panel = 1440;
constexpr double least_joined_slot = 4;  // layers that are nearer to each other are not joined by lines

/// The layers of a role.
struct RolePanel {
  std::string title;
  std::vector<std::size_t> layers;
};

std::vector<RolePanel> role_panels(const Roles& roles) {
  std::vector<RolePanel> panels(roles.names.size());
  for (std::size_t layer = 0; layer < roles.of_layer.size(); ++layer) {
    panels[roles.of_layer[layer]].layers.push_back(layer);
  }
  for (std::size_t i = 0; i < panels.size(); ++i) {
    panels[i].title = fmt::format("{}: {}", roles.names[i], counted(std::ssize(panels[i].layers), "layer"));
  }
  return panels;
}

double median_error(const RoundedSeries& series) {
  return statistics_of(series.rounding.errors).median;
}

/// Largest errors first, as they lie above one another.
std::vector<const RoundedSeries*> series_by_error(const RoundingTable& table) {
  std::vector<const RoundedSeries*> sorted;
  for (const RoundedSeries& series : table.series) sorted.push_back(&series);
  std::ranges::stable_sort(sorted, [](const RoundedSeries* a, const RoundedSeries* b) {
    return median_error(*a) > median_error(*b);
  });
  return sorted;
}

bool is_drawn(double error) {
  return std::isfinite(error) && error > 0;
}

LogScale error_scale(const RoundingTable& table) {
  std::vector<double> errors;
  for (const RoundedSeries& series : table.series) {
    errors.insert(errors.end(), series.rounding.errors.begin(), series.rounding.errors.end());
  }
  return LogScale(errors);
}

/// Where a layer without a mark is to be looked for.
std::vector<std::string> error_notes(const RoundingTable& table) {
  std::int64_t zeros = 0;
  std::int64_t missing = 0;
  for (const RoundedSeries& series : table.series) {
    zeros += std::ranges::count(series.rounding.errors, 0.0);
    missing +=
        std::ranges::count_if(series.rounding.errors, [](double error) { return !std::isfinite(error); });
  }
  std::vector<std::string> notes;
  if (zeros > 0) notes.push_back(fmt::format("not shown, as they are 0: {}", counted(zeros, "error")));
  if (missing > 0)
    notes.push_back(fmt::format("not shown, as there are none: {}", counted(missing, "error")));
  return notes;
}

GridPlan error_plan(const RoundingTable& table, const std::vector<RolePanel>& panels, const LogScale& scale) {
  GridPlan plan;
  plan.title = fmt::format("error by layer and format: {}", counted(std::ssize(table.layers), "layer"));
  plan.subtitle = table.subtitle + " · |W_p - W| / |W| against the stored weights W";
  for (const RoundedSeries* series : series_by_error(table)) {
    plan.legend.push_back({series_marker(series->style), series->rounding.precision});
  }
  std::size_t most = 0;
  for (const RolePanel& panel : panels) {
    plan.panels.push_back(panel.title);
    most = std::max(most, panel.layers.size());
  }
  plan.panel_width =
      std::clamp(wished_slot * static_cast<double>(most), narrowest_role_panel, widest_role_panel);
  plan.panel_height = std::clamp(75 * (scale.high() - scale.low()), 180.0, 380.0);
  plan.left = 56;
  plan.below = line_height;
  plan.footnotes = error_notes(table);
  return plan;
}

/// One panel while it is drawn.
class ErrorPanel {
 public:
  ErrorPanel(Picture& picture, const Rect& frame, const LogScale& scale, std::size_t layers)
      : picture_(picture),
        frame_(frame),
        scale_(scale),
        slot_((frame.right - frame.left) / static_cast<double>(layers)) {}

  void draw_scale() {
    for (const Tick& tick : scale_.ticks()) {
      const double y = y_of(std::pow(10.0, tick.place));
      picture_.line({frame_.left, y}, {frame_.right, y}, grid_grey);
      picture_.text({frame_.left - 6, y}, TextStyle::right, tick.label);
    }
    draw_border(picture_, frame_);
  }

  void draw(const RoundedSeries& series, const std::vector<std::size_t>& layers) {
    const Marker marker = series_marker(series.style, std::clamp(0.8 * slot_, 3.5, 7.0));
    const Colour pale = lighter(series_colour(series.style));
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const double error = series.rounding.errors[layers[i]];
      if (!is_drawn(error)) continue;
      picture_.mark({x_of(i), y_of(error)}, marker);
      if (i == 0 || slot_ < least_joined_slot) continue;
      const double before = series.rounding.errors[layers[i - 1]];
      if (is_drawn(before)) picture_.line({x_of(i - 1), y_of(before)}, {x_of(i), y_of(error)}, pale);
    }
  }

  /// The numbers of blocks, where they begin, as many as there is room for; names outside the blocks.
  void draw_labels(const std::vector<LayerLabel>& labels, const std::vector<std::size_t>& layers) {
    const double y = frame_.bottom + 11;
    std::vector<AxisLabel> shown;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto& [text, block] = labels[layers[i]];
      const bool begins = block.empty() || i == 0 || labels[layers[i - 1]].block != block;
      if (begins) shown.push_back({x_of(i), block.empty() ? text : block, !block.empty()});
    }
    const bool has_blocks = std::ranges::any_of(shown, &AxisLabel::counts);
    draw_axis_labels(picture_, std::move(shown), y, frame_.left - 16, frame_.right + 12);
    if (has_blocks) picture_.text({frame_.left - 36, y}, TextStyle::center, "block", faint_ink);
  }

 private:
  double x_of(std::size_t i) const { return frame_.left + slot_ * (static_cast<double>(i) + 0.5); }
  double y_of(double error) const {
    const double part = (scale_.place(error) - scale_.low()) / (scale_.high() - scale_.low());
    return frame_.bottom - part * (frame_.bottom - frame_.top);
  }

  Picture& picture_;
  const Rect& frame_;
  const LogScale& scale_;
  double slot_;
};

}  // namespace

Picture draw_errors_by_layer(const RoundingTable& table) {
  const LogScale scale = error_scale(table);
  const std::vector<RolePanel> panels = role_panels(table.roles);
  PanelGrid grid(error_plan(table, panels, scale));
  for (std::size_t i = 0; i < panels.size(); ++i) {
    ErrorPanel panel(grid.picture, grid.frame(i), scale, panels[i].layers.size());
    panel.draw_scale();
    for (const RoundedSeries& series : table.series) panel.draw(series, panels[i].layers);
    panel.draw_labels(table.layers, panels[i].layers);
  }
  return std::move(grid.picture);
}

}  // namespace alphahill
