#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/plots/charts.hpp"

namespace alphahill {

namespace {

constexpr double widest_slot = 110;

/// A band a block, unless every layer is a block of its own.
std::vector<std::string> bands_of(const std::vector<LayerLabel>& layers) {
  std::vector<std::string> bands;
  for (const LayerLabel& label : layers) bands.push_back(label.block);
  return std::ranges::adjacent_find(bands) == bands.end() ? std::vector<std::string>{} : bands;
}

void draw_alphas(ChartPage& page, const ChartTable& table, std::size_t layer) {
  double first = no_figure;
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = table.series.size(); i-- > 0;) {
    const double alpha = table.series[i].alphas[layer];
    if (std::isnan(alpha)) {
      page.mark_missing(layer, i);
    } else {
      page.mark_alpha(layer, i, table.series[i].style, alpha);
      highest = std::max(highest, alpha);
      first = alpha;
    }
  }
  if (page.has_room_for_values() && !std::isnan(first)) {
    page.picture.text({page.slot_middle(layer), page.alpha_y(highest) - 13}, TextStyle::small_center,
                      fmt::format("{:.4f}", first));
  }
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
    if (table.changes) draw_changes(page, table, layer);
  }
  return page.picture;
}

}  // namespace alphahill
