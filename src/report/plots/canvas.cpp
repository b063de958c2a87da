#include "report/plots/canvas.hpp"

#include <array>

#include "report/plots/drawing.hpp"
#include "report/plots/svg.hpp"

namespace alphahill {

namespace {

/// In the order of TextStyle.
constexpr std::array<Typesetting, 9> typesettings{{
    {15, 0, 0},
    {12, 0, 0},
    {12, 0.5, 0},
    {12, 1, 0},
    {10, 0.5, 0},
    {12, 0.5, 90},
    {10, 0, 90},
    {10, 1, 90},
    {11, 1, 45},
}};

}  // namespace

std::string_view name_of(PlotFormat format) {
  constexpr std::array names{"png", "pdf", "svg"};
  return names.at(static_cast<std::size_t>(format));
}

Typesetting typesetting_of(TextStyle style) {
  return typesettings.at(static_cast<std::size_t>(style));
}

std::unique_ptr<Canvas> make_canvas(PlotFormat format, double width, double height) {
  if (format == PlotFormat::svg) return make_svg_canvas(width, height);
  return format == PlotFormat::png ? make_png_canvas(width, height) : make_pdf_canvas(width, height);
}

}  // namespace alphahill
