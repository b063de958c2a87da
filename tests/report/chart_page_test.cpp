#include "report/plots/chart_page.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <regex>

#include "report/plots/picture_text.hpp"

namespace alphahill {
namespace {

/// A page of many precisions, with or without figures for all of them.
PagePlan plan_of(std::size_t series, std::size_t slots, const std::string& name) {
  PagePlan plan;
  plan.series = series;
  plan.slot_width = 110;
  plan.missing = true;
  plan.alphas = {2, 3};
  plan.slots.assign(slots, "0 attn.q_proj");
  for (std::size_t i = 0; i < series; ++i)
    plan.legend.push_back({series_marker(i), fmt::format("{}{}", name, i)});
  return plan;
}

/// Where the texts of the legend lie.
std::vector<Rect> legend_of(const std::string& svg, const std::string& name) {
  std::vector<Rect> places;
  const std::regex text("translate\\(([0-9.]+) ([0-9.]+)\\)[^>]*>([^<]*)<");
  for (auto match = std::sregex_iterator(svg.begin(), svg.end(), text); match != std::sregex_iterator();
       ++match) {
    const std::string shown = (*match)[3];
    if (!shown.starts_with(name.substr(0, 5)) && !shown.starts_with("N/A: no figure")) continue;
    const double left = std::stod((*match)[1]);
    const double middle = std::stod((*match)[2]);
    // With the marker in front of it.
    places.push_back({left - 16, left + text_width(shown), middle - 8, middle + 8});
  }
  return places;
}

bool overlap(const Rect& a, const Rect& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

struct Case {
  std::size_t series, slots;
  std::string name;
};

class LegendOf : public testing::TestWithParam<Case> {};

TEST_P(LegendOf, LiesOnThePageAndDoesNotOverlap) {
  const auto& [series, slots, name] = GetParam();
  ChartPage page(plan_of(series, slots, name));
  const std::vector<Rect> places = legend_of(page.picture.file(PlotFormat::svg), name);
  ASSERT_GE(places.size(), series);
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_GE(places[i].left, 0);
    EXPECT_LE(places[i].right, page.picture.width());
    EXPECT_LT(places[i].bottom, page.alpha_y(3)) << "the panel begins below";
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(overlap(places[i], places[j])) << i << ' ' << j;
  }
}

INSTANTIATE_TEST_SUITE_P(ChartPage, LegendOf,
                         testing::Values(Case{4, 1, "fp32_"}, Case{16, 1, "mxfp6_e2m3_"},
                                         Case{16, 10, "mxfp6_e2m3_"}, Case{16, 300, "mxfp6_e2m3_"},
                                         Case{18, 2, "fp16_"}, Case{16, 1, std::string(200, 'n')}));

TEST(ChartPage, SixteenSeriesLieSideBySideInTenSlots) {
  const ChartPage page(plan_of(16, 10, "int4_"));
  EXPECT_GE(page.series_width(), usual_marker * 0.99);
  EXPECT_GT(page.x(1, 0) - page.x(0, 15), page.series_width());
}

TEST(ChartPage, ShapesOfManySeriesCanBeSeenHoweverManySlots) {
  EXPECT_GE(ChartPage(plan_of(16, 300, "int4_")).marker(0).size, 5);
}

}  // namespace
}  // namespace alphahill
