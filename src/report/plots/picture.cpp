#include "alphahill/report/picture.hpp"

#include <cmath>
#include <numbers>

#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

/// On a circle of diameter 1, clockwise from the top; every second corner at `inner` of its radius.
std::vector<Point> regular_polygon(std::size_t corners, double first_degrees = 0, double inner = 1) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < corners; ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(corners) + first_degrees / 360;
    const double radius = i % 2 == 0 ? 0.5 : 0.5 * inner;
    points.push_back(
        {radius * std::sin(2 * std::numbers::pi * turn), -radius * std::cos(2 * std::numbers::pi * turn)});
  }
  return points;
}

/// A shape of size 1 around the origin. Of equal size to the eye: not all of equal width.
const std::vector<Point>& corners_of(Shape shape) {
  static const std::vector<Point> square{{-0.45, -0.45}, {0.45, -0.45}, {0.45, 0.45}, {-0.45, 0.45}};
  static const std::vector<Point> triangle{{0, -0.55}, {0.55, 0.4}, {-0.55, 0.4}};
  static const std::vector<Point> inverted_triangle{{0, 0.55}, {-0.55, -0.4}, {0.55, -0.4}};
  static const std::vector<Point> diamond{{0, -0.62}, {0.62, 0}, {0, 0.62}, {-0.62, 0}};
  static const std::vector<Point> hexagon = regular_polygon(6, 30);
  static const std::vector<Point> star = regular_polygon(10, 0, 0.45);
  switch (shape) {
    case Shape::square:
      return square;
    case Shape::triangle:
      return triangle;
    case Shape::inverted_triangle:
      return inverted_triangle;
    case Shape::diamond:
      return diamond;
    case Shape::hexagon:
      return hexagon;
    default:
      return star;
  }
}

void draw_mark(Canvas& canvas, Point place, const Marker& marker) {
  const auto [shape, size, colour] = marker;
  if (shape == Shape::disc) return canvas.disc(place, size, colour);
  if (shape == Shape::cross) {
    const double half = size / 2;
    canvas.line({place.x - half, place.y - half}, {place.x + half, place.y + half}, colour);
    canvas.line({place.x - half, place.y + half}, {place.x + half, place.y - half}, colour);
    return;
  }
  std::vector<Point> corners = corners_of(shape);
  for (Point& corner : corners) corner = {place.x + size * corner.x, place.y + size * corner.y};
  canvas.polygon(corners, colour);
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
