/// PNG files: 8-bit RGB, written fast (cairo's own writer takes several times as long).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace alphahill {

/// The file of an image (PNG specification, 2nd edition): each row as its difference from the one above,
/// which leaves zeros where a plot has lines and areas, deflated at zlib's fastest level.
/// @param pixels  0x..RRGGBB, rows from the top one after another
/// @param width   pixels in a row; > 0, divides the number of pixels
/// @throws Error(system) when there is no memory for it
std::string png_file(std::span<const std::uint32_t> pixels, std::size_t width);

}  // namespace alphahill
