/// Pages as SVG, written here because cairo draws text as outlines there: this one has text that can be
/// searched, copied and edited.
#pragma once

#include <memory>

#include "report/plots/canvas.hpp"

namespace alphahill {

std::unique_ptr<Canvas> make_svg_canvas(double width, double height);

}  // namespace alphahill
