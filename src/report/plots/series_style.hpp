/// How a series looks in all plots: its colour and the shape of its markers.
#pragma once

#include <cstddef>

#include "alphahill/report/picture.hpp"

namespace alphahill {

/// Styles that differ in shape and in colour; those after them pair the same shapes and colours otherwise.
inline constexpr std::size_t distinct_styles = 18;

inline constexpr double usual_marker = 8;  ///< pixels

Colour series_colour(std::size_t style);
Marker series_marker(std::size_t style, double size = usual_marker);
/// The colour mixed with white.
Colour lighter(Colour colour);

}  // namespace alphahill
