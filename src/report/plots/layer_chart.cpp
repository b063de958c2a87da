#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "alphahill/results/statistics.hpp"
#include "report/plots/charts.hpp"

namespace alphahill {

namespace {

constexpr double widest_layer_slot = 110;
constexpr double farthest_value = 30;  // pixels from a mark to the figure printed for it

/// A band a block, unless every layer is a block of its own.
std::vector<std::string> bands_of(const std::vector<LayerLabel>& layers) {
  std::vector<std::string> bands;
  for (const LayerLabel& label : layers) bands.push_back(label.block);
  return std::ranges::adjacent_find(bands) == bands.end() ? std::vector<std::string>{} : bands;
}

/// Standard errors relative to their alphas.
std::vector<double> relative_errors(const ChartTable& table) {
  std::vector<double> errors;
  for (const Series& series : table.series) {
    for (std::size_t layer = 0; layer < series.alphas.size(); ++layer) {
      errors.push_back(series.errors[layer] / series.alphas[layer]);
    }
  }
  return errors;
}

/// "standard error of alpha, 2.4% in the median, 10% at most"; empty where there are no figures.
std::string error_note(const ChartTable& table) {
  const Statistics s = statistics_of(relative_errors(table));
  if (s.count == 0) return {};
  return fmt::format("standard error of alpha, {:.2g}% in the median, {:.2g}% at most", 100 * s.median,
                     100 * s.max);
}

/// Says how large standard errors are, and leaves room for their bars where these fit in.
void plan_errors(PagePlan& plan, const ChartTable& table) {
  const std::string note = error_note(table);
  if (note.empty()) return;
  const bool bars = has_room_for_error_bars(plan);
  plan.footnotes.push_back(bars ? "bars: " + note : note);
  if (!bars) return;
  for (const Series& series : table.series) {
    for (std::size_t layer = 0; layer < series.alphas.size(); ++layer) {
      plan.alphas.push_back(series.alphas[layer] - series.errors[layer]);
      plan.alphas.push_back(series.alphas[layer] + series.errors[layer]);
    }
  }
}

void draw_errors(ChartPage& page, const ChartTable& table, std::size_t layer) {
  for (std::size_t i = 0; i < table.series.size(); ++i) {
    const Series& series = table.series[i];
    if (std::isnan(series.errors[layer])) continue;
    page.mark_error(layer, i, series.style, series.alphas[layer], series.errors[layer]);
  }
}

/// In narrow slots the reference alone, by role.
void plan_roles(PagePlan& plan, const ChartTable& table) {
  for (const std::size_t role :
       std::set<std::size_t>(table.roles.of_layer.begin(), table.roles.of_layer.end())) {
    plan.roles.push_back({series_marker(role), table.roles.names[role]});
  }
  plan.legend.clear();
  for (const Series& series : table.series) {
    if (!series.is_reference) plan.legend.push_back({series_marker(series.style), series.name});
  }
  plan.alphas = table.reference;
  plan.missing = std::ranges::any_of(plan.alphas, [](double alpha) { return std::isnan(alpha); });
}

void draw_role(ChartPage& page, const ChartTable& table, std::size_t layer) {
  const double alpha = table.reference[layer];
  if (std::isnan(alpha)) {
    page.mark_missing(layer, 0);
  } else {
    page.mark_role(layer, table.roles.of_layer[layer], alpha);
  }
}

void draw_alphas(ChartPage& page, const ChartTable& table, std::size_t layer) {
  for (std::size_t i = table.series.size(); i-- > 0;) {
    const double alpha = table.series[i].alphas[layer];
    if (std::isnan(alpha)) {
      page.mark_missing(layer, i);
    } else {
      page.mark_alpha(layer, i, table.series[i].style, alpha);
    }
  }
}

/// The upper end of the mark and the bar of a figure, as an alpha; NaN where there is none.
double top_of(const Series& series, std::size_t layer) {
  return std::fmax(series.alphas[layer], series.alphas[layer] + series.errors[layer]);
}

/// The alpha of the first series that has one.
void print_alpha(ChartPage& page, const ChartTable& table, std::size_t layer) {
  const auto alpha_of = [&](const Series& series) { return series.alphas[layer]; };
  const auto has_alpha = [&](const Series& series) { return !std::isnan(alpha_of(series)); };
  const auto first = std::ranges::find_if(table.series, has_alpha);
  if (!page.has_room_for_values() || first == table.series.end()) return;
  double highest = top_of(*first, layer);
  for (const Series& series : table.series) highest = std::fmax(highest, top_of(series, layer));
  Point place{page.slot_middle(layer), page.alpha_y(highest)};
  // Above the marks of all series, unless it would seem to belong to one of them far from the first.
  if (const double own = page.alpha_y(top_of(*first, layer)); own - place.y > farthest_value) {
    const auto index = static_cast<std::size_t>(first - table.series.begin());
    place = {page.x(layer, index), own};
  }
  page.picture.text({place.x, place.y - 13}, TextStyle::small_center, alpha_text(alpha_of(*first), 4));
}

void draw_changes(ChartPage& page, const ChartTable& table, std::size_t layer) {
  for (std::size_t i = 0; i < table.series.size(); ++i) {
    const Series& series = table.series[i];
    const double change = relative_change(series.alphas[layer], table.reference[layer]);
    if (series.is_reference || std::isnan(change)) continue;
    page.draw_change(layer, i, series.style, change);
  }
}

}  // namespace

Picture draw_layers(const ChartTable& table) {
  PagePlan plan = page_plan(table);
  plan.slot_width = widest_layer_slot;
  plan.bands = bands_of(table.layers);
  plan.bands_are = "block";
  for (const LayerLabel& label : table.layers) plan.slots.push_back(label.text);
  const bool has_error_bars = has_room_for_error_bars(plan);
  const bool shows_roles = has_narrow_slots(plan);
  plan_errors(plan, table);
  if (shows_roles) plan_roles(plan, table);
  ChartPage page(std::move(plan));
  for (std::size_t layer = 0; layer < table.layers.size(); ++layer) {
    if (has_error_bars) draw_errors(page, table, layer);
    if (shows_roles) {
      draw_role(page, table, layer);
    } else {
      draw_alphas(page, table, layer);
      print_alpha(page, table, layer);
    }
    if (table.changes) draw_changes(page, table, layer);
  }
  return page.picture;
}

}  // namespace alphahill
