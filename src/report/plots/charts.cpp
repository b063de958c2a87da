#include "report/plots/charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alphahill/base/text.hpp"
#include "alphahill/results/statistics.hpp"
#include "report/plots/picture_text.hpp"

namespace alphahill {

std::size_t style_of(const ReportView& view, const std::string& precision) {
  return static_cast<std::size_t>(std::ranges::find(view.run_precisions, precision) -
                                  view.run_precisions.begin());
}

Roles roles_of(const ReportView& view) {
  constexpr std::size_t longest_role = 28;
  std::vector<std::string> categories;
  Roles roles;
  for (const ReportedLayer& layer : view.layers) {
    const auto found = std::ranges::find(categories, layer.layer.category);
    roles.of_layer.push_back(std::min(static_cast<std::size_t>(found - categories.begin()), most_roles - 1));
    if (found == categories.end()) categories.push_back(layer.layer.category);
  }
  for (const std::string& category : categories) {
    if (roles.names.size() < most_roles) roles.names.push_back(shortened(drawable(category), longest_role));
  }
  if (categories.size() > most_roles) {
    roles.names.back() = fmt::format("{} other roles", categories.size() - most_roles + 1);
  }
  return roles;
}

namespace {

/// Says where layers with a flat spectrum are drawn.
void note_flat_spectra(PagePlan& plan, const ChartTable& table) {
  std::int64_t flat = 0;
  for (std::size_t layer = 0; layer < table.layers.size(); ++layer) {
    flat += std::ranges::any_of(table.series,
                                [&](const Series& series) { return is_flat(series.alphas[layer]); });
  }
  if (flat > 0) {
    plan.footnotes.push_back(fmt::format("at the upper end: alphas above {} (flat spectra), of {}",
                                         flat_alpha, counted(flat, "layer")));
  }
}

}  // namespace

PagePlan page_plan(const ChartTable& table) {
  PagePlan plan;
  plan.title = table.title;
  plan.subtitle = table.subtitle;
  plan.series = table.series.size();
  plan.changes = table.changes;
  plan.reference = table.reference_name;
  for (const Series& series : table.series) {
    plan.legend.push_back({series_marker(series.style),
                           series.name + (series.is_reference && table.changes ? " (reference)" : "")});
    plan.alphas.insert(plan.alphas.end(), series.alphas.begin(), series.alphas.end());
  }
  note_flat_spectra(plan, table);
  plan.missing = std::ranges::any_of(plan.alphas, [](double alpha) { return std::isnan(alpha); });
  return plan;
}

}  // namespace alphahill
