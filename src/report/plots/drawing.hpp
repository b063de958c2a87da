/// Pages drawn by cairo: as pixels and as PDF.
#pragma once

#include <memory>

#include "report/plots/canvas.hpp"

namespace alphahill {

std::unique_ptr<Canvas> make_png_canvas(double width, double height);
std::unique_ptr<Canvas> make_pdf_canvas(double width, double height);

}  // namespace alphahill
