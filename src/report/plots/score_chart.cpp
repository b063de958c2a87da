#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "alphahill/base/text.hpp"
#include "report/plots/panel_grid.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/rounding_charts.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_ranked = 30;
constexpr double rank_height = 16;
constexpr double score_panel_width = 230;
constexpr double longest_bar = 160;  // behind it stands its figure

/// A panel: the layers with the largest scores at a precision.
struct Ranking {
  const RoundedSeries* series;
  std::vector<std::size_t> layers;
};

std::vector<Ranking> rankings_of(const RoundingTable& table) {
  std::vector<Ranking> rankings;
  for (const RoundedSeries* series : series_with_scores(table)) {
    rankings.push_back({series, largest_scores(series->rounding, most_ranked)});
  }
  return rankings;
}

std::size_t longest_ranking(const std::vector<Ranking>& rankings) {
  std::size_t longest = 0;
  for (const Ranking& ranking : rankings) longest = std::max(longest, ranking.layers.size());
  return longest;
}

/// Of all layers that are in a panel.
double widest_label(const RoundingTable& table, const std::vector<Ranking>& rankings) {
  double width = 0;
  for (const Ranking& ranking : rankings) {
    for (const std::size_t layer : ranking.layers)
      width = std::max(width, text_width(table.layers[layer].text));
  }
  return width;
}

/// The roles of all layers that are in a panel.
std::vector<LegendEntry> shown_roles(const Roles& roles, const std::vector<Ranking>& rankings) {
  std::set<std::size_t> shown;
  for (const Ranking& ranking : rankings) {
    for (const std::size_t layer : ranking.layers) shown.insert(roles.of_layer[layer]);
  }
  std::vector<LegendEntry> legend;
  for (const std::size_t role : shown) legend.push_back({series_marker(role), roles.names[role]});
  return legend;
}

GridPlan ranking_plan(const RoundingTable& table, const std::vector<Ranking>& rankings) {
  const std::size_t longest = longest_ranking(rankings);
  GridPlan plan;
  plan.title = longest < table.layers.size()
                   ? fmt::format("score ranking: the {} of {} layers that are likely to mind rounding most",
                                 longest, table.layers.size())
                   : "score ranking: the layers that are likely to mind rounding most first";
  plan.subtitle = table.subtitle + " · score: effective rank × relative error²";
  plan.legend = shown_roles(table.roles, rankings);
  for (const Ranking& ranking : rankings) {
    plan.panels.push_back(fmt::format("{}, {:.4g} bits a weight", ranking.series->rounding.precision,
                                      ranking.series->rounding.bits_per_weight));
  }
  plan.panel_width = score_panel_width;
  plan.panel_height = rank_height * static_cast<double>(longest) + 8;
  plan.left = widest_label(table, rankings) + 10;
  plan.below = 4;
  plan.footnotes = {
      "The score needs the weights alone. That it agrees with the damage of rounding was seen on two",
      "small models: an indication, not a law. Check a plan by an evaluation."};
  return plan;
}

void draw_ranking(Picture& picture, const Rect& frame, const RoundingTable& table, const Ranking& ranking) {
  draw_border(picture, frame);
  const std::vector<double>& scores = ranking.series->rounding.scores;
  const auto largest =
      std::ranges::find_if(ranking.layers, [&](std::size_t layer) { return std::isfinite(scores[layer]); });
  const auto part = [&](std::size_t layer) {
    return std::isfinite(scores[layer]) ? scores[layer] / scores[*largest] : 1.0;
  };
  for (std::size_t i = 0; i < ranking.layers.size(); ++i) {
    const std::size_t layer = ranking.layers[i];
    const double y = frame.top + 4 + rank_height * (static_cast<double>(i) + 0.5);
    const double end = frame.left + longest_bar * part(layer);
    const std::size_t role = table.roles.of_layer[layer];
    picture.text({frame.left - 6, y}, TextStyle::right, table.layers[layer].text);
    picture.fill({frame.left, end, y - 3, y + 3}, lighter(series_colour(role)));
    picture.mark({end, y}, series_marker(role));
    picture.text({end + 10, y}, TextStyle::left, size_text(scores[layer], 2), faint_ink);
  }
}

}  // namespace

std::vector<const RoundedSeries*> series_with_scores(const RoundingTable& table) {
  std::vector<const RoundedSeries*> chosen;
  for (const RoundedSeries& series : table.series) {
    if (!largest_scores(series.rounding, 1).empty()) chosen.push_back(&series);
  }
  return chosen;
}

Picture draw_score_ranking(const RoundingTable& table) {
  const std::vector<Ranking> rankings = rankings_of(table);
  PanelGrid grid(ranking_plan(table, rankings));
  for (std::size_t i = 0; i < rankings.size(); ++i) {
    draw_ranking(grid.picture, grid.frame(i), table, rankings[i]);
  }
  return std::move(grid.picture);
}

}  // namespace alphahill
