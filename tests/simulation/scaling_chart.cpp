#include "simulation/scaling_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alphahill/base/text.hpp"
#include "report/plots/series_style.hpp"

namespace alphahill {

namespace {

constexpr double width = 900;
constexpr double height = 470;
constexpr Rect frame{70, 870, 90, 410};
constexpr double wanted = 0.9;
/// Efficiency at the foot of the frame.
constexpr double lowest = 0.5;

double x_of(double ranks, double most) {
  return frame.left + std::log2(ranks) / std::log2(most) * (frame.right - frame.left);
}

double y_of(double efficiency) {
  return frame.bottom - (efficiency - lowest) / (1 - lowest) * (frame.bottom - frame.top);
}

void draw_axes(Picture& picture, int most) {
  for (int ranks = 1; ranks <= most; ranks *= 2) {
    const double x = x_of(ranks, most);
    picture.line({x, frame.top}, {x, frame.bottom}, grid_grey);
    picture.text({x, frame.bottom + 18}, TextStyle::center, std::to_string(ranks));
  }
  for (int tenths = 5; tenths <= 10; ++tenths) {
    const double efficiency = tenths / 10.0;
    const double y = y_of(efficiency);
    picture.line({frame.left, y}, {frame.right, y}, efficiency == wanted ? faint_ink : grid_grey);
    picture.text({frame.left - 10, y}, TextStyle::right, fmt::format("{:.1f}", efficiency));
  }
  picture.text({(frame.left + frame.right) / 2, frame.bottom + 44}, TextStyle::center, "ranks");
}

void draw_curve(Picture& picture, const ScalingCurve& curve, double ScalingPoint::*efficiency,
                Marker marker) {
  const int most = curve.points.back().ranks;
  const auto place = [&](const ScalingPoint& point) {
    return Point{x_of(point.ranks, most), y_of(std::min(point.*efficiency, 1.0))};
  };
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    if (i > 0) picture.line(place(curve.points[i - 1]), place(curve.points[i]), marker.colour);
    picture.mark(place(curve.points[i]), marker);
  }
}

Marker paler(Marker marker) {
  marker.colour = lighter(marker.colour);
  return marker;
}

}  // namespace

Picture scaling_chart(const std::vector<ScalingCurve>& curves) {
  Picture picture(width);
  picture.set_height(height);
  picture.text({frame.left, 28}, TextStyle::title,
               "Efficiency, simulated: ranks of equal speed; paler, nodes of speeds ±20%");
  const int most = curves.front().points.back().ranks;
  draw_axes(picture, most);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const double x = frame.left + 10 + 290 * static_cast<double>(i);
    picture.mark({x, 62}, series_marker(i));
    picture.text(
        {x + 14, 62}, TextStyle::left,
        fmt::format("{}: {} on {}", curves[i].name, human_seconds(curves[i].points.back().seconds), most));
    draw_curve(picture, curves[i], &ScalingPoint::of_different_speeds, paler(series_marker(i)));
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    draw_curve(picture, curves[i], &ScalingPoint::efficiency, series_marker(i));
  }
  return picture;
}

}  // namespace alphahill
