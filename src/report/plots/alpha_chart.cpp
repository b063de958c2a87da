#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "alphahill/base/text.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/plots/panel_grid.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/rounding_charts.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

namespace {

constexpr double alpha_panel = 300;
constexpr int most_alpha_ticks = 6;

/// Relative changes of alpha, where there are any.
std::vector<double> changes_of(const RoundingTable& table, const RoundedSeries& series) {
  std::vector<double> changes;
  for (std::size_t i = 0; i < series.rounding.alphas.size(); ++i) {
    changes.push_back(std::abs(relative_change(series.rounding.alphas[i], table.reference[i])));
  }
  return changes;
}

std::string panel_title(const RoundingTable& table, const RoundedSeries& series) {
  const Statistics s = statistics_of(changes_of(table, series));
  return fmt::format("{}: median {:.2g}%, largest {:.2g}%", series.rounding.precision, 100 * s.median,
                     100 * s.max);
}

bool is_flat_somewhere(const RoundingTable& table, std::size_t layer) {
  return is_flat(table.reference[layer]) ||
         std::ranges::any_of(table.series, [&](const RoundedSeries& series) {
           return is_flat(series.rounding.alphas[layer]);
         });
}

GridPlan scatter_plan(const RoundingTable& table, const std::vector<const RoundedSeries*>& panels) {
  GridPlan plan;
  plan.title = fmt::format("alpha of each format against alpha at {}", table.reference_name);
  plan.subtitle = fmt::format("{} · k-frac {}", table.subtitle, table.k_frac);
  plan.footnotes = {"line: no change · above each panel: the size of alpha's relative change"};
  for (std::size_t role = 0; role < table.roles.names.size(); ++role) {
    plan.legend.push_back({series_marker(role), table.roles.names[role]});
  }
  for (const RoundedSeries* series : panels) plan.panels.push_back(panel_title(table, *series));
  plan.panel_width = plan.panel_height = alpha_panel;
  plan.left = 64;
  plan.below = 2 * line_height;
  std::int64_t flat = 0;
  for (std::size_t layer = 0; layer < table.layers.size(); ++layer) flat += is_flat_somewhere(table, layer);
  if (flat > 0)
    plan.footnotes.push_back(fmt::format("on the border: figures above {} (flat spectra), in {}", flat_alpha,
                                         counted(flat, "layer")));
  return plan;
}

/// One panel while it is drawn.
class AlphaPanel {
 public:
  AlphaPanel(Picture& picture, const Rect& frame, const RoundingTable& table, const RoundedSeries& series)
      : picture_(picture),
        frame_(frame),
        table_(table),
        series_(series),
        base_(without_flat(table.reference)),
        own_(both_of(table, series)) {}

  void draw() {
    draw_scales();
    draw_line_of_no_change();
    draw_border(picture_, frame_);
    const double size = table_.layers.size() < 100 ? 7 : table_.layers.size() < 1000 ? 5 : 3.5;
    for (std::size_t layer = 0; layer < table_.layers.size(); ++layer) {
      const double from = table_.reference[layer];
      const double to = series_.rounding.alphas[layer];
      if (std::isnan(from) || std::isnan(to)) continue;
      picture_.mark({x_of(from), y_of(to)}, series_marker(table_.roles.of_layer[layer], size));
    }
  }

 private:
  /// The scale of the figures includes that of the reference.
  static std::vector<double> both_of(const RoundingTable& table, const RoundedSeries& series) {
    std::vector<double> both = table.reference;
    both.insert(both.end(), series.rounding.alphas.begin(), series.rounding.alphas.end());
    return without_flat(std::move(both));
  }

  void draw_scales() {
    for (const Tick& tick : base_.ticks(most_alpha_ticks)) {
      picture_.line({x_of(tick.place), frame_.top}, {x_of(tick.place), frame_.bottom}, grid_grey);
      picture_.text({x_of(tick.place), frame_.bottom + 11}, TextStyle::center, tick.label);
    }
    for (const Tick& tick : own_.ticks(most_alpha_ticks)) {
      picture_.line({frame_.left, y_of(tick.place)}, {frame_.right, y_of(tick.place)}, grid_grey);
      picture_.text({frame_.left - 6, y_of(tick.place)}, TextStyle::right, tick.label);
    }
    picture_.text({(frame_.left + frame_.right) / 2, frame_.bottom + 27}, TextStyle::center,
                  fmt::format("alpha at {}", table_.reference_name));
    picture_.text({frame_.left - 52, (frame_.top + frame_.bottom) / 2}, TextStyle::up,
                  fmt::format("alpha at {}", series_.rounding.precision));
  }

  void draw_line_of_no_change() {
    picture_.line({x_of(base_.low()), y_of(base_.low())}, {x_of(base_.high()), y_of(base_.high())},
                  faint_ink);
  }

  static double part_of(const AlphaScale& scale, double alpha) {
    return std::clamp((alpha - scale.low()) / (scale.high() - scale.low()), 0.0, 1.0);
  }
  double x_of(double alpha) const {
    return frame_.left + part_of(base_, alpha) * (frame_.right - frame_.left);
  }
  double y_of(double alpha) const {
    return frame_.bottom - part_of(own_, alpha) * (frame_.bottom - frame_.top);
  }

  Picture& picture_;
  const Rect& frame_;
  const RoundingTable& table_;
  const RoundedSeries& series_;
  AlphaScale base_;
  AlphaScale own_;
};

}  // namespace

std::vector<const RoundedSeries*> series_against_base(const RoundingTable& table) {
  std::vector<const RoundedSeries*> chosen;
  for (const RoundedSeries& series : table.series) {
    const bool is_base = series.rounding.precision == table.reference_name;
    if (!is_base && statistics_of(changes_of(table, series)).count > 0) chosen.push_back(&series);
  }
  return chosen;
}

Picture draw_alpha_against_base(const RoundingTable& table) {
  const std::vector<const RoundedSeries*> panels = series_against_base(table);
  PanelGrid grid(scatter_plan(table, panels));
  for (std::size_t i = 0; i < panels.size(); ++i) {
    AlphaPanel(grid.picture, grid.frame(i), table, *panels[i]).draw();
  }
  return std::move(grid.picture);
}

}  // namespace alphahill
