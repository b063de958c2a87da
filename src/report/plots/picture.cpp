#include "alphahill/report/picture.hpp"

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr double hole = 0.5;  // of a hollow marker, as a part of its size

using Corners = std::vector<Point>;

/// On circles of diameters 1 and 0.45 in turn, clockwise from the top.
Corners star_corners() {
  Corners points;
  for (std::size_t i = 0; i < 10; ++i) {
    const double angle = std::numbers::pi * static_cast<double>(i) / 5;
    const double radius = i % 2 == 0 ? 0.5 : 0.5 * 0.45;
    points.push_back({radius * std::sin(angle), -radius * std::cos(angle)});
  }
  return points;
}

Corners box(double half_width, double half_height) {
  return {{-half_width, -half_height},
          {half_width, -half_height},
          {half_width, half_height},
          {-half_width, half_height}};
}

/// Mirrored at the diagonal.
Corners turned(Corners corners) {
  for (auto& [x, y] : corners) std::swap(x, y);
  return corners;
}

Corners upside_down(Corners corners) {
  for (Point& corner : corners) corner.y = -corner.y;
  return corners;
}

/// Of size 1 around the origin, in the order of Shape. Of equal size to the eye: not all of equal width.
std::vector<Corners> all_corners() {
  const Corners triangle{{0, -0.55}, {0.55, 0.4}, {-0.55, 0.4}};
  const Corners hourglass{{-0.5, -0.55}, {0.5, -0.55}, {0.13, 0}, {0.5, 0.55}, {-0.5, 0.55}, {-0.13, 0}};
  const Corners plus{{-0.17, -0.55}, {0.17, -0.55}, {0.17, -0.17},  {0.55, -0.17},
                     {0.55, 0.17},   {0.17, 0.17},  {0.17, 0.55},   {-0.17, 0.55},
                     {-0.17, 0.17},  {-0.55, 0.17}, {-0.55, -0.17}, {-0.17, -0.17}};
  return {{},
          box(0.45, 0.45),
          triangle,
          upside_down(triangle),
          turned(triangle),
          turned(upside_down(triangle)),
          {{0, -0.62}, {0.62, 0}, {0, 0.62}, {-0.62, 0}},
          plus,
          star_corners(),
          box(0.22, 0.6),
          box(0.6, 0.22),
          hourglass,
          turned(hourglass)};
}

const Corners& corners_of(Shape shape) {
  static const std::vector<Corners> corners = all_corners();
  return corners.at(static_cast<std::size_t>(shape));
}

/// The mean of the corners.
Point middle_of(const Corners& corners) {
  Point middle{0, 0};
  for (const auto& [x, y] : corners) middle = {middle.x + x, middle.y + y};
  const auto count = static_cast<double>(corners.size());
  return {middle.x / count, middle.y / count};
}

void draw_polygon(Canvas& canvas, Point place, const Marker& marker) {
  Corners corners = corners_of(marker.shape);
  for (auto& [x, y] : corners) {
    x = place.x + marker.size * x;
    y = place.y + marker.size * y;
  }
  canvas.polygon(corners, marker.colour);
  if (!marker.hollow) return;
  const auto [middle_x, middle_y] = middle_of(corners);
  for (auto& [x, y] : corners) {
    x = middle_x + hole * (x - middle_x);
    y = middle_y + hole * (y - middle_y);
  }
  canvas.polygon(corners, white);
}

void draw_disc(Canvas& canvas, Point place, const Marker& marker) {
  canvas.disc(place, marker.size, marker.colour);
  if (marker.hollow) canvas.disc(place, marker.size * hole, white);
}

void draw_cross(Canvas& canvas, Point place, const Marker& marker) {
  const double half = marker.size / 2;
  canvas.line({place.x - half, place.y - half}, {place.x + half, place.y + half}, marker.colour);
  canvas.line({place.x - half, place.y + half}, {place.x + half, place.y - half}, marker.colour);
}

void draw_mark(Canvas& canvas, Point place, const Marker& marker) {
  if (marker.shape == Shape::disc) return draw_disc(canvas, place, marker);
  if (marker.shape == Shape::cross) return draw_cross(canvas, place, marker);
  draw_polygon(canvas, place, marker);
}

}  // namespace

void Picture::text(Point place, TextStyle style, std::string_view text, Colour colour) {
  texts_.push_back({place, style, colour, drawable(text)});
}

std::string Picture::file(PlotFormat format) const {
  const std::unique_ptr<Canvas> canvas = make_canvas(format, width_, height_);
  for (const auto& [place, colour] : fills_) canvas->fill(place, colour);
  for (const auto& [from, to, colour] : lines_) canvas->line(from, to, colour);
  for (const auto& [place, marker] : marks_) draw_mark(*canvas, place, marker);
  for (const auto& [place, style, colour, text] : texts_) canvas->text(place, style, text, colour);
  return canvas->finish();
}

}  // namespace alphahill
