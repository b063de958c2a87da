/// Text for people: escapes, sizes and durations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

/// The text with control characters, invalid UTF-8 and backslashes as \xNN escapes, so that it can be shown
/// on a terminal and names stay distinct.
std::string printable(std::string_view text);

/// The same, but backslashes stay as they are: for messages, which quote expressions.
std::string printable_message(std::string_view text);

/// ASCII letters alone.
std::string in_lower_case(std::string_view text);

/// "a, b, c".
std::string joined(std::span<const std::string> items, std::string_view separator = ", ");

/// The first `most` items and, where there are more, "and 7 more".
std::vector<std::string> some_of(std::span<const std::string> items, std::size_t most);

/// Least number of letters to insert, remove or replace that make `b` of `a` (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Of these names the nearest to one that there is not; one that it begins with, or is a part of, is near. At most three.
std::vector<std::string_view> nearest_to(std::string_view name, std::span<const std::string_view> names);

/// "1 layer", "2 layers".
std::string counted(std::int64_t count, std::string_view what);

/// "1.5 GiB".
std::string human_bytes(double bytes);

/// "2h 03m", "4m 10s", "12.3s".
std::string human_seconds(double seconds);

}  // namespace alphahill
