/// The kinds of picture of alpha in a report.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alphahill/results/view.hpp"
#include "report/plots/chart_page.hpp"
#include "report/plots/layer_label.hpp"

namespace alphahill {

/// Alphas that belong together: those of a precision, or of a run.
struct Series {
  std::string name;
  std::size_t style = 0;       ///< number of its colour and shape
  bool is_reference = false;   ///< changes are relative to it, so it has none
  std::vector<double> alphas;  ///< one a layer; NaN where there is no figure
  std::vector<double> errors;  ///< their standard errors
};

inline constexpr std::size_t most_roles = 24;

/// Which role layers play: their categories, in the order in which these first come; of very many the last together.
struct Roles {
  std::vector<std::string> names;     ///< short; the number of one is also that of its colour and shape
  std::vector<std::size_t> of_layer;  ///< numbers of names
};

Roles roles_of(const ReportView& view);

/// Series over the same layers, and what they are compared with.
struct ChartTable {
  std::string title;
  std::string subtitle;
  std::vector<LayerLabel> layers;
  Roles roles;
  std::vector<Series> series;
  std::string reference_name;
  std::vector<double> reference;       ///< alphas, one a layer
  std::optional<ChangeScale> changes;  ///< nothing: no panel of changes
};

/// The header, legend and scales of a page for this table; its slots are still to be filled in.
PagePlan page_plan(const ChartTable& table);

/// Every layer in order: where along the depth alpha lies, and which layers move which way.
Picture draw_layers(const ChartTable& table);

struct LayerGroup {
  std::string label;
  std::vector<std::size_t> layers;  ///< indices into the table
};

/// Range, quartiles and single values of each group.
Picture draw_distribution(const ChartTable& table, const std::vector<LayerGroup>& groups);

/// One layer at each precision: alpha with its standard error, its changes, and why a figure is missing.
Picture draw_single_layer(const ReportView& view, std::size_t layer,
                          const std::optional<ChangeScale>& changes);

/// Number of the colour and shape of a precision: the same in all reports on a run.
std::size_t style_of(const ReportView& view, const std::string& precision);

}  // namespace alphahill
