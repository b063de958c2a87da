#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/plots/charts.hpp"

namespace alphahill {

namespace {

constexpr double widest_slot = 110;
constexpr double farthest_value = 30;  // pixels from a mark to the figure printed for it

/// A band a block, unless every layer is a block of its own.
std::vector<std::string> bands_of(const std::vector<LayerLabel>& layers) {
  std::vector<std::string> bands;
  for (const LayerLabel& label : layers) bands.push_back(label.block);
  return std::ranges::adjacent_find(bands) == bands.end() ? std::vector<std::string>{} : bands;
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

/// The alpha of the first series that has one.
void print_alpha(ChartPage& page, const ChartTable& table, std::size_t layer) {
  const auto alpha_of = [&](const Series& series) { return series.alphas[layer]; };
  const auto has_alpha = [&](const Series& series) { return !std::isnan(alpha_of(series)); };
  const auto first = std::ranges::find_if(table.series, has_alpha);
  if (!page.has_room_for_values() || first == table.series.end()) return;
  double highest = alpha_of(*first);
  for (const Series& series : table.series) highest = std::fmax(highest, alpha_of(series));
  Point place{page.slot_middle(layer), page.alpha_y(highest)};
  // Above the marks of all series, unless it would seem to belong to one of them far from the first.
  if (page.alpha_y(alpha_of(*first)) - place.y > farthest_value) {
    const auto index = static_cast<std::size_t>(first - table.series.begin());
    place = {page.x(layer, index), page.alpha_y(alpha_of(*first))};
  }
  page.picture.text({place.x, place.y - 13}, TextStyle::small_center,
                    fmt::format("{:.4f}", alpha_of(*first)));
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
  plan.slot_width = widest_slot;
  plan.in_front = table.series.front().name;
  plan.bands = bands_of(table.layers);
  plan.bands_are = "block";
  for (const LayerLabel& label : table.layers) plan.slots.push_back(label.text);
  ChartPage page(std::move(plan));
  for (std::size_t layer = 0; layer < table.layers.size(); ++layer) {
    draw_alphas(page, table, layer);
    print_alpha(page, table, layer);
    if (table.changes) draw_changes(page, table, layer);
  }
  return page.picture;
}

}  // namespace alphahill
