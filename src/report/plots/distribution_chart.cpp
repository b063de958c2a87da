#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "alphahill/results/statistics.hpp"
#include "report/plots/charts.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr double widest_slot = 200;
constexpr double least_width_for_both = 16;
constexpr std::size_t fewest_in_box = 5;
constexpr std::size_t longest_group_label = 28;
constexpr std::size_t most_points = 1000;

/// The values of a group, in layer order, without NaN.
std::vector<double> values_of(const LayerGroup& group, const std::function<double(std::size_t)>& value_of) {
  std::vector<double> values;
  for (const std::size_t layer : group.layers) {
    if (const double value = value_of(layer); !std::isnan(value)) values.push_back(value);
  }
  return values;
}

/// Where one series of one group is drawn.
struct Place {
  double left, right;
  std::size_t style;
  std::function<double(double)> y_of;
};

/// Range as a line, quartiles as a box, the median as a bar or, where one is given, as a marker.
void draw_box(Picture& picture, const Place& place, std::vector<double> values,
              const std::optional<Marker>& median) {
  if (values.empty()) return;
  std::ranges::sort(values);
  const auto y_at = [&](double fraction) { return place.y_of(quantile(values, fraction)); };
  const Colour colour = series_colour(place.style);
  const double middle = (place.left + place.right) / 2;
  picture.line({middle, y_at(0)}, {middle, y_at(1)}, colour);
  picture.fill({place.left, place.right, y_at(0.75), y_at(0.25)}, lighter(colour));
  if (median) return picture.mark({middle, y_at(0.5)}, *median);
  picture.fill({place.left, place.right, y_at(0.5) - 1, y_at(0.5) + 1}, colour);
}

/// Indices of the values that are drawn as points: all or, of many, every n-th and both extremes.
std::set<std::size_t> points_of(const std::vector<double>& values) {
  std::set<std::size_t> points;
  if (values.empty()) return points;
  for (std::size_t i = 0; i < values.size(); i += values.size() / most_points + 1) points.insert(i);
  const auto [least, greatest] = std::ranges::minmax_element(values);
  points.insert(static_cast<std::size_t>(least - values.begin()));
  points.insert(static_cast<std::size_t>(greatest - values.begin()));
  return points;
}

/// The values themselves, spread sideways so that equal ones do not hide each other.
void draw_points(Picture& picture, const Place& place, const std::vector<double>& values) {
  constexpr double golden = 0.6180339887498949;
  const Marker marker = series_marker(place.style, values.size() < 50 ? 5 : 3);
  for (const std::size_t i : points_of(values)) {
    const double part = std::fmod(golden * static_cast<double>(i) + 0.5, 1.0);
    picture.mark({place.left + part * (place.right - place.left), place.y_of(values[i])}, marker);
  }
}

void draw_alphas(ChartPage& page, const Series& series, const LayerGroup& group, std::size_t slot,
                 std::size_t i) {
  const std::vector<double> alphas =
      values_of(group, [&](std::size_t layer) { return series.alphas[layer]; });
  const double middle = page.x(slot, i);
  const double half = page.series_width() * 0.42;
  const auto y_of = [&](double alpha) { return page.alpha_y(alpha); };
  const bool box = group.layers.size() >= fewest_in_box;
  const bool points = !box || page.series_width() >= least_width_for_both;
  if (box) {
    const Place place{middle - half, points ? middle - 2 : middle + half, series.style, y_of};
    std::optional<Marker> median;
    if (!points && page.has_many_series()) median = page.marker(series.style);
    draw_box(page.picture, place, alphas, median);
  }
  if (points) {
    draw_points(page.picture, {box ? middle + 2 : middle - half, middle + half, series.style, y_of}, alphas);
  }
  const std::size_t missing = group.layers.size() - alphas.size();
  if (missing > 0) page.mark_missing(slot, i, fmt::format("{} N/A", missing));
}

/// Points alone: quartiles would lie about changes that go either way.
void draw_changes(ChartPage& page, const ChartTable& table, const LayerGroup& group, std::size_t slot,
                  std::size_t i) {
  const Series& series = table.series[i];
  const double half = page.series_width() * 0.42;
  const auto y_of = [&](double change) { return page.change_y(change); };
  draw_points(page.picture, {page.x(slot, i) - half, page.x(slot, i) + half, series.style, y_of},
              values_of(group, [&](std::size_t layer) {
                return relative_change(series.alphas[layer], table.reference[layer]);
              }));
}

/// What the points stand for.
std::string points_note(const std::vector<LayerGroup>& groups) {
  const auto sampled = [](const LayerGroup& group) { return group.layers.size() >= most_points; };
  if (std::ranges::none_of(groups, sampled)) return "points: layers";
  return fmt::format("points: layers; of {} or more a sample with the lowest and highest", most_points);
}

}  // namespace

Picture draw_distribution(const ChartTable& table, const std::vector<LayerGroup>& groups) {
  PagePlan plan = page_plan(table);
  plan.slot_width = widest_slot;
  plan.prints_values = false;
  for (const LayerGroup& group : groups) {
    plan.slots.push_back(
        fmt::format("{} ({})", shortened(group.label, longest_group_label), group.layers.size()));
  }
  plan.bands = plan.slots;
  plan.footnotes.insert(plan.footnotes.begin(),
                        {"lines: range · boxes: quartiles, median", points_note(groups)});
  ChartPage page(std::move(plan));
  for (std::size_t slot = 0; slot < groups.size(); ++slot) {
    for (std::size_t i = 0; i < table.series.size(); ++i) {
      draw_alphas(page, table.series[i], groups[slot], slot, i);
      if (table.changes && !table.series[i].is_reference) draw_changes(page, table, groups[slot], slot, i);
    }
  }
  return page.picture;
}

}  // namespace alphahill
