/// Text that fits a picture: what its fonts have, and no wider than its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alphahill {

/// Text that any Latin font can draw: other characters become "?".
std::string drawable(std::string_view text);

/// At most `characters` characters (three or more): the middle gives way to an ellipsis.
std::string shortened(std::string_view text, std::size_t characters);

/// Width of a text of normal size in pixels, roughly and rather too much; small text is narrower.
double text_width(std::string_view text);

/// Number of characters of normal size that fit into a width, by the same measure.
std::size_t characters_in(double width);

}  // namespace alphahill
