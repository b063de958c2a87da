/// A picture: what is drawn where on a page of pixels, in one of the formats of plots at last.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/plots/canvas.hpp"

namespace alphahill {

enum class Shape : std::uint8_t {
  disc,
  square,
  triangle,
  inverted_triangle,
  left_triangle,  ///< points to the left
  right_triangle,
  diamond,
  plus,
  star,
  upright_bar,
  level_bar,
  hourglass,
  bow_tie,
  cross,  ///< of thin lines
};

struct Marker {
  Shape shape;
  double size;  ///< height and width in pixels
  Colour colour;
  bool hollow = false;  ///< white inside; not of a cross
};

class Picture {
 public:
  explicit Picture(double width) : width_(width) {}

  double width() const { return width_; }
  double height() const { return height_; }
  void set_height(double height) { height_ = height; }

  // Later things cover earlier ones of their kind; lines cover fills, markers lines, texts markers.
  void fill(Rect place, Colour colour) { fills_.push_back({place, colour}); }
  void line(Point from, Point to, Colour colour) { lines_.push_back({from, to, colour}); }
  void mark(Point place, Marker marker) { marks_.push_back({place, marker}); }
  void text(Point place, TextStyle style, std::string_view text, Colour colour = ink);

  /// The picture as a file. @throws Error(system) when it is too large or there is no memory for it
  std::string file(PlotFormat format) const;

 private:
  struct Fill {
    Rect place;
    Colour colour;
  };
  struct Line {
    Point from, to;
    Colour colour;
  };
  struct Mark {
    Point place;
    Marker marker;
  };
  struct Text {
    Point place;
    TextStyle style;
    Colour colour;
    std::string text;
  };

  double width_;
  double height_ = 0;
  std::vector<Fill> fills_;
  std::vector<Line> lines_;
  std::vector<Mark> marks_;
  std::vector<Text> texts_;
};

}  // namespace alphahill
