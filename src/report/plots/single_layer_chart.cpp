#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/plots/charts.hpp"

namespace alphahill {

namespace {

constexpr double precision_slot = 150;
constexpr double narrowest_slot = 100;  // for an alpha and its error

std::string subtitle_of(const ReportedLayer& layer) {
  std::string text =
      fmt::format("{} · {} × {}", layer.layer.category, layer.layer.out_features, layer.layer.in_features);
  if (layer.layer.dequantized) text += fmt::format(" · {}, dequantized", layer.layer.stored_as);
  const auto figure =
      std::ranges::find_if(layer.figures, [](const ResultRow& row) { return row.k_used > 0; });
  if (figure == layer.figures.end()) return text;
  return fmt::format("{} · k = {} of {}", text, figure->k_used, figure->n_eigs);
}

PagePlan plan_of(const ReportView& view, const ReportedLayer& layer,
                 const std::optional<ChangeScale>& changes) {
  PagePlan plan;
  plan.title = layer.layer.name;
  plan.subtitle = subtitle_of(layer);
  plan.slot_width = precision_slot;
  plan.least_slot_width = narrowest_slot;
  plan.changes = changes;
  plan.reference = view.reference;
  plan.footnotes.emplace_back("bars: standard error of alpha");
  for (const ResultRow& row : layer.figures) {
    plan.slots.push_back(row.precision + (changes && row.precision == view.reference ? " (reference)" : ""));
    plan.alphas.insert(plan.alphas.end(),
                       {row.alpha, row.alpha - row.alpha_stderr, row.alpha + row.alpha_stderr});
    if (!std::isnan(row.alpha)) continue;
    plan.missing = true;
    plan.footnotes.push_back(fmt::format("{}: {}", row.precision, row.reason));
  }
  return plan;
}

void draw_alpha(ChartPage& page, std::size_t slot, const ResultRow& row, std::size_t style) {
  const double x = page.slot_middle(slot);
  const Colour colour = series_colour(style);
  double top = page.alpha_y(row.alpha);
  std::string value = alpha_text(row.alpha, 5);
  if (std::isfinite(row.alpha_stderr)) {
    const double bottom = page.alpha_y(row.alpha - row.alpha_stderr);
    top = page.alpha_y(row.alpha + row.alpha_stderr);
    page.picture.line({x, bottom}, {x, top}, colour);
    for (const double y : {bottom, top}) page.picture.line({x - 6, y}, {x + 6, y}, colour);
    value += fmt::format(" ± {:.2g}", row.alpha_stderr);
  }
  page.picture.mark({x, page.alpha_y(row.alpha)}, page.marker(style));
  page.picture.text({x, top - 13}, TextStyle::small_center, value);
}

}  // namespace

Picture draw_single_layer(const ReportView& view, std::size_t index,
                          const std::optional<ChangeScale>& changes) {
  const ReportedLayer& layer = view.layers[index];
  ChartPage page(plan_of(view, layer, changes));
  for (std::size_t slot = 0; slot < layer.figures.size(); ++slot) {
    const ResultRow& row = layer.figures[slot];
    const std::size_t style = style_of(view, row.precision);
    if (std::isnan(row.alpha)) {
      page.mark_missing(slot, 0);
      continue;
    }
    draw_alpha(page, slot, row, style);
    const double change = relative_change(row.alpha, layer.reference_alpha);
    const bool compares = changes && row.precision != view.reference;
    if (compares && !std::isnan(change)) page.draw_change(slot, 0, style, change);
  }
  return page.picture;
}

}  // namespace alphahill
