#include "report/plots/series_style.hpp"

#include <array>

namespace alphahill {

namespace {

struct Style {
  Colour colour;
  Shape shape;
  bool hollow = false;
};

/// The first seven colours are Okabe and Ito's. The others were chosen so that the least distance of any two
/// in CIE Lab is large, as most people see them and as red-blind and green-blind people do (25 and 16), and
/// none is too pale for a white page. Shapes are all different, for prints in grey; pale colours fill theirs.
constexpr std::array<Style, distinct_styles> styles{{
    {0x0072B2, Shape::disc},
    {0xD55E00, Shape::square},
    {0x009E73, Shape::triangle},
    {0xCC79A7, Shape::diamond},
    {0xE69F00, Shape::inverted_triangle},
    {0x56B4E9, Shape::plus},
    {0x000000, Shape::star},
    {0x0033CC, Shape::disc, true},
    {0x663344, Shape::left_triangle},
    {0xBB0022, Shape::upright_bar},
    {0x9977FF, Shape::square, true},
    {0x771177, Shape::right_triangle},
    {0x88CC66, Shape::level_bar},
    {0xFF8899, Shape::hourglass},
    {0x116622, Shape::diamond, true},
    {0xFF1166, Shape::triangle, true},
    {0xBB1177, Shape::inverted_triangle, true},
    {0x44CCDD, Shape::bow_tie},
}};

}  // namespace

Colour series_colour(std::size_t style) {
  return styles[style % styles.size()].colour;
}

Marker series_marker(std::size_t style, double size) {
  const Style& shaped = styles[(style + style / styles.size()) % styles.size()];
  return {shaped.shape, size, series_colour(style), shaped.hollow};
}

Colour lighter(Colour colour) {
  Colour mixed = 0;
  for (const int shift : {16, 8, 0}) mixed |= (((colour >> shift & 0xFFU) + 2 * 0xFFU) / 3) << shift;
  return mixed;
}

}  // namespace alphahill
