#include "report/plots/svg.hpp"

#include <fmt/format.h>

#include <iterator>

namespace alphahill {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char character : text) {
    switch (character) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      default:
        result += character;
    }
  }
  return result;
}

class SvgCanvas : public Canvas {
 public:
  SvgCanvas(double width, double height) {
    add(R"(<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{0:.6g}" height="{1:.6g}" viewBox="0 0 {0:.6g} {1:.6g}")"
        R"( font-family="sans-serif">
)",
        width, height);
    fill({0, width, 0, height}, white);
  }

  void fill(Rect place, Colour colour) override {
    add("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"#{:06x}\"/>\n", place.left,
        place.top, place.right - place.left, place.bottom - place.top, colour);
  }

  void line(Point from, Point to, Colour colour) override {
    add("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}\" stroke=\"#{:06x}\"/>\n", from.x, from.y, to.x, to.y,
        colour);
  }

  void disc(Point middle, double diameter, Colour colour) override {
    add("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{:.2f}\" fill=\"#{:06x}\"/>\n", middle.x, middle.y,
        diameter / 2, colour);
  }

  void polygon(std::span<const Point> corners, Colour colour) override {
    svg_ += "<polygon points=\"";
    for (const Point& corner : corners) add("{:.2f},{:.2f} ", corner.x, corner.y);
    add("\" fill=\"#{:06x}\"/>\n", colour);
  }

  void text(Point place, TextStyle style, std::string_view text, Colour colour) override {
    const auto [size, anchor, degrees_upwards] = typesetting_of(style);
    const char* anchors[]{"start", "middle", "end"};
    add("<text transform=\"translate({:.2f} {:.2f}) rotate({})\" y=\"{:.2f}\" font-size=\"{}\""
        " text-anchor=\"{}\" fill=\"#{:06x}\">{}</text>\n",
        place.x, place.y, 0 - degrees_upwards, baseline_drop * size, size,
        anchors[static_cast<std::size_t>(2 * anchor)], colour, escaped(text));
  }

  std::string finish() override { return std::move(svg_) + "</svg>\n"; }

 private:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(svg_), format, std::forward<Values>(values)...);
  }

  std::string svg_;
};

}  // namespace

std::unique_ptr<Canvas> make_svg_canvas(double width, double height) {
  return std::make_unique<SvgCanvas>(width, height);
}

}  // namespace alphahill
