#include "report/plots/chart_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "alphahill/results/statistics.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr std::size_t few_series = 8;  // more of them get pages, panels and markers that are larger

constexpr double narrowest_panel = 440;
constexpr double usual_panel = 1500;
constexpr double crowded_panel = 2000;  // wider than a screen, where slots would get too narrow
constexpr double widest_series = 70;
constexpr double least_left_margin = 84;
constexpr double right_margin = 24;
constexpr double usual_panel_height = 240;
constexpr double crowded_panel_height = 340;
constexpr double value_length = 52;            // a printed change, written upwards
constexpr double missing_height = 30;          // "N/A", written upwards
constexpr double least_upright_distance = 12;  // between labels written upwards
constexpr double smallest_marker = 3.5;
constexpr double smallest_distinct_marker = 5;  // whose shape can be seen
constexpr double least_width_for_error_bar = 6;
constexpr double part_for_series = 0.84;  // of a slot's width
constexpr int most_ticks = 6;

// Sizes of other fonts relative to normal text.
constexpr double slanted_scale = 0.92;
constexpr double upright_scale = 0.8;

double widest(const std::vector<std::string>& texts) {
  double width = 0;
  for (const std::string& text : texts) width = std::max(width, text_width(text));
  return width;
}

bool many_series(const PagePlan& plan) {
  return plan.series > few_series;
}

double slot_width_of(const PagePlan& plan) {
  const auto slots = static_cast<double>(plan.slots.size());
  const double least = std::min(plan.least_slot_width, crowded_panel / slots);
  const double markers = usual_marker * static_cast<double>(plan.series) / part_for_series;
  const double widest_panel = many_series(plan) ? crowded_panel : usual_panel;
  const double width = std::clamp(widest_panel / slots, least, std::max(plan.slot_width, markers));
  return std::max(width, narrowest_panel / slots);
}

double series_width_of(const PagePlan& plan) {
  return std::min(part_for_series * slot_width_of(plan) / static_cast<double>(plan.series), widest_series);
}

enum class Slope { level, slanted, upright };

Slope slope_of(const PagePlan& plan) {
  constexpr double least_slanted_distance = 20;
  const double slot = slot_width_of(plan);
  if (widest(plan.slots) + 10 <= slot) return Slope::level;
  return slot >= least_slanted_distance ? Slope::slanted : Slope::upright;
}

/// Room for the ticks' labels, and for a slanted label that reaches out to the left of its slot.
double left_margin_of(const PagePlan& plan) {
  double overhang = 0;
  for (std::size_t i = 0; i < plan.slots.size() && slope_of(plan) == Slope::slanted; ++i) {
    const double reach = text_width(plan.slots[i]) * slanted_scale * std::sqrt(0.5);
    overhang = std::max(overhang, reach - (static_cast<double>(i) + 0.5) * slot_width_of(plan));
  }
  return std::max(least_left_margin, overhang + 10);
}

}  // namespace

bool has_narrow_slots(const PagePlan& plan) {
  return slot_width_of(plan) < least_upright_distance || series_width_of(plan) < smallest_marker;
}

bool has_room_for_error_bars(const PagePlan& plan) {
  return !has_narrow_slots(plan) && series_width_of(plan) >= least_width_for_error_bar;
}

ChartPage::ChartPage(PagePlan plan)
    : picture(left_margin_of(plan) + slot_width_of(plan) * static_cast<double>(plan.slots.size()) +
              right_margin),
      plan_(std::move(plan)),
      left_(left_margin_of(plan_)),
      slot_width_(slot_width_of(plan_)) {
  y_ = draw_legend(picture, upper_legend(), draw_header(picture, plan_.title, plan_.subtitle));
  const double printed = has_room_for_level_values() ? line_height : has_room_for_values() ? value_length : 0;
  const double value_room = plan_.prints_values ? printed : 0;
  const std::string title = shows_roles() ? fmt::format("alpha ({})", plan_.reference) : "alpha";
  alpha_ = add_panel(AlphaScale(scaled_alphas()), title, std::min(value_room, line_height),
                     plan_.missing ? missing_height : 0);
  if (plan_.changes) {
    if (shows_roles()) y_ = draw_legend(picture, plan_.legend, y_ + 4);
    change_ = add_panel(*plan_.changes, "relative change from " + plan_.reference, value_room,
                        plan_.changes->low() <= -1 ? value_room : 0);
  }
  draw_labels();
  y_ = draw_footnotes(picture, plan_.footnotes, y_);
  picture.set_height(std::ceil(y_ + 10));
}

double ChartPage::series_width() const {
  return series_width_of(plan_);
}

double ChartPage::x(std::size_t slot, std::size_t series) const {
  const double middle = static_cast<double>(series) + 0.5 - static_cast<double>(plan_.series) / 2;
  return slot_middle(slot) + middle * series_width();
}

Marker ChartPage::marker(std::size_t style) const {
  const double smallest = has_many_series() ? smallest_distinct_marker : smallest_marker;
  return series_marker(style, std::clamp(0.9 * series_width(), smallest, usual_marker));
}

void ChartPage::mark_alpha(std::size_t slot, std::size_t series, std::size_t style, double alpha) {
  picture.mark({x(slot, series), alpha_y(alpha)}, marker(style));
}

void ChartPage::mark_role(std::size_t slot, std::size_t role, double alpha) {
  const double size = std::clamp(slot_width_, smallest_marker, usual_marker);
  picture.mark({slot_middle(slot), alpha_y(alpha)}, series_marker(role, size));
}

void ChartPage::mark_error(std::size_t slot, std::size_t series, std::size_t style, double alpha,
                           double error) {
  const double middle = x(slot, series);
  const double half = std::min(4.0, 0.3 * series_width());
  const Colour colour = lighter(series_colour(style));
  picture.line({middle, alpha_y(alpha - error)}, {middle, alpha_y(alpha + error)}, colour);
  for (const double end : {alpha_y(alpha - error), alpha_y(alpha + error)}) {
    picture.line({middle - half, end}, {middle + half, end}, colour);
  }
}

bool ChartPage::has_many_series() const {
  return many_series(plan_);
}

/// Without those of flat spectra, beside which the others would look alike.
std::vector<double> ChartPage::scaled_alphas() const {
  std::vector<double> alphas = without_flat(plan_.alphas);
  const bool all_flat = std::ranges::all_of(alphas, [](double alpha) { return std::isnan(alpha); });
  return all_flat ? plan_.alphas : alphas;
}

std::vector<LegendEntry> ChartPage::upper_legend() const {
  std::vector<LegendEntry> legend = shows_roles() ? plan_.roles : plan_.legend;
  if (!legend.empty() && plan_.missing && !has_room_for_values()) {
    legend.push_back({{Shape::cross, usual_marker, faint_ink}, "N/A: no figure"});
  }
  return legend;
}

bool ChartPage::has_room_for_values() const {
  return series_width() >= 14;
}
bool ChartPage::has_room_for_level_values() const {
  return series_width() >= 60;
}

void ChartPage::mark_missing(std::size_t slot, std::size_t series, const std::string& text) {
  const double bottom = alpha_.frame.bottom - 4;
  if (has_room_for_level_values()) {
    picture.text({x(slot, series), bottom - 8}, TextStyle::small_center, text, faint_ink);
  } else if (has_room_for_values()) {
    picture.text({x(slot, series), bottom}, TextStyle::small_up, text, faint_ink);
  } else {
    const double middle = shows_roles() ? slot_middle(slot) : x(slot, series);
    picture.mark({middle, bottom - missing_height / 3}, {Shape::cross, marker(0).size, faint_ink});
  }
}

void ChartPage::draw_change(std::size_t slot, std::size_t series, std::size_t style, double change) {
  const double x = this->x(slot, series);
  const double y = change_y(change);
  constexpr double stem_width = 1;
  const bool stems_cover_each_other = shows_roles() && (has_many_series() || series_width() < stem_width);
  if (!stems_cover_each_other) picture.line({x, change_y(0)}, {x, y}, series_colour(style));
  picture.mark({x, y}, marker(style));
  const double outwards = change < 0 ? 1 : -1;
  if (has_room_for_level_values()) {
    picture.text({x, y + 15 * outwards}, TextStyle::small_center, change_text(change, 2));
  } else if (has_room_for_values()) {
    picture.text({x, y + 7 * outwards}, change < 0 ? TextStyle::small_up_end : TextStyle::small_up,
                 change_text(change, 1));
  }
}

template <class Scale>
ChartPage::Panel ChartPage::add_panel(const Scale& scale, const std::string& title, double head_room,
                                      double foot_room) {
  const double height = has_many_series() ? crowded_panel_height : usual_panel_height;
  const Rect frame{left_, picture.width() - right_margin, y_, y_ + height + head_room + foot_room};
  const Panel panel{frame, frame.bottom - foot_room - 8, frame.top + head_room + 8, scale.low(),
                    scale.high()};
  draw_bands(frame);
  for (const Tick& tick : scale.ticks(most_ticks)) {
    const double y = panel.y(tick.place);
    picture.line({frame.left, y}, {frame.right, y}, tick.label == "0" ? faint_ink : grid_grey);
    picture.text({frame.left - 6, y}, TextStyle::right, tick.label);
  }
  picture.text({16, (frame.top + frame.bottom) / 2}, TextStyle::up, title);
  draw_border(picture, frame);
  y_ = frame.bottom + 14;
  return panel;
}

std::vector<ChartPage::Band> ChartPage::bands() const {
  std::vector<Band> bands;
  for (std::size_t i = 0; i < plan_.bands.size(); ++i) {
    if (i == 0 || plan_.bands[i] != plan_.bands[i - 1]) bands.push_back({i, i});
    bands.back().last = i + 1;
  }
  return bands;
}

void ChartPage::draw_bands(const Rect& frame) {
  bool shaded = false;
  for (const auto& [first, last] : bands()) {
    if (shaded) picture.fill({slot_left(first), slot_left(last), frame.top, frame.bottom}, band_grey);
    shaded = !shaded;
  }
}

void ChartPage::draw_labels() {
  if (slot_width_ < least_upright_distance && !plan_.bands.empty() && !plan_.bands_are.empty()) {
    draw_band_labels();
  } else {
    draw_slot_labels();
  }
}

void ChartPage::draw_band_labels() {
  std::vector<AxisLabel> labels;
  for (const auto& [first, last] : bands()) {
    const std::string& block = plan_.bands[first];
    labels.push_back({(slot_left(first) + slot_left(last)) / 2, block.empty() ? plan_.slots[first] : block,
                      !block.empty()});
  }
  draw_axis_labels(picture, std::move(labels), y_, 0, picture.width() - 4);
  y_ += line_height;
  picture.text({(left_ + picture.width() - right_margin) / 2, y_}, TextStyle::center, plan_.bands_are);
  y_ += line_height / 2;
}

std::vector<std::size_t> ChartPage::labelled_slots(double least_distance) const {
  std::vector<std::size_t> chosen;
  double free_from = 0;
  for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
    if (slot_left(i) < free_from) continue;
    chosen.push_back(i);
    free_from = slot_left(i) + least_distance - 0.01;
  }
  return chosen;
}

void ChartPage::draw_slot_labels() {
  const Slope slope = slope_of(plan_);
  const double length = widest(plan_.slots);
  for (const std::size_t slot : labelled_slots(slope == Slope::upright ? least_upright_distance : 0)) {
    const Point place{slot_middle(slot), y_ - 6};
    switch (slope) {
      case Slope::level:
        picture.text({place.x, place.y + 8}, TextStyle::center, plan_.slots[slot]);
        break;
      case Slope::slanted:
        picture.text({place.x + 4, place.y + 4}, TextStyle::slanted_end, plan_.slots[slot]);
        break;
      case Slope::upright:
        picture.text(place, TextStyle::small_up_end, plan_.slots[slot]);
        break;
    }
  }
  const double heights[]{line_height, length * slanted_scale * std::sqrt(0.5) + 10, length * upright_scale};
  y_ += heights[static_cast<std::size_t>(slope)];
}

}  // namespace alphahill
