#include "report/plots/charts.hpp"

#include <algorithm>
#include <cmath>

namespace alphahill {

std::size_t style_of(const ReportView& view, const std::string& precision) {
  return static_cast<std::size_t>(std::ranges::find(view.run_precisions, precision) -
                                  view.run_precisions.begin());
}

Roles roles_of(const ReportView& view) {
  Roles roles;
  for (const ReportedLayer& layer : view.layers) {
    const std::string& name = layer.layer.category;
    const auto found = std::ranges::find(roles.names, name);
    roles.of_layer.push_back(static_cast<std::size_t>(found - roles.names.begin()));
    if (found == roles.names.end()) roles.names.push_back(name);
  }
  return roles;
}

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
  plan.missing = std::ranges::any_of(plan.alphas, [](double alpha) { return std::isnan(alpha); });
  return plan;
}

}  // namespace alphahill
