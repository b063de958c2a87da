/// JSON read once from front to back with simdjson, UTF-8 checked, without a tree in memory.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace alphahill::json {

using Array = simdjson::ondemand::array;
using Object = simdjson::ondemand::object;
using Value = simdjson::ondemand::value;

/// Arrays and objects inside one another in a value that is skipped; a deeper one gives DEPTH_ERROR.
inline constexpr int most_depth = 128;

/// Calls `read` with the object that `text` consists of. The text gets simdjson's padding as spare capacity.
/// @throws simdjson::simdjson_error
template <class Read>
void read_object(std::string& text, Read read) {
  text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document = parser.iterate(text);
  read(document.get_object().value());
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (!at_end) throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
}

/// Checks a value that is not used, down to its last atom (simdjson alone would pass over it unseen).
/// @throws simdjson::simdjson_error
void skip(Value value, int depth = most_depth);

/// What is wrong with the text, in words.
std::string reason_of(const simdjson::simdjson_error& error);

/// The start of a value's text, for errors.
std::string shown(Value value);

}  // namespace alphahill::json
