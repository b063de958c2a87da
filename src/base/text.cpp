#include "alphahill/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <numeric>

namespace alphahill {

namespace {

/// Bytes of the well-formed UTF-8 character at the start of `text` that may be shown as it is; 0 where there
/// is none. Table 3-7 of the Unicode standard; C0 and C1 controls, DEL and the bidirectional overrides are
/// not shown.
std::size_t shown_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7F && lead != '\\' ? 1 : 0;
  if (lead >= 0xC2 && lead <= 0xDF && continues(1)) return lead == 0xC2 && byte(1) < 0xA0 ? 0 : 2;
  if (lead >= 0xE0 && lead <= 0xEF && continues(1) && continues(2)) {
    const unsigned code = (lead & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const bool reorders = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return code >= 0x800 && !surrogate && !reorders ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    const unsigned code = (lead & 0x07U) << 18 | (byte(1) & 0x3FU) << 12;
    return code >= 0x10000 && code <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

std::string escaped(std::string_view text, bool keep_backslashes) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = keep_backslashes && text.front() == '\\' ? 1 : shown_character(text);
    if (size > 0) {
      shown += text.substr(0, size);
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return shown;
}

}  // namespace

std::string printable(std::string_view text) {
  return escaped(text, false);
}
std::string printable_message(std::string_view text) {
  return escaped(text, true);
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return lower;
}

std::string joined(std::span<const std::string> items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

std::vector<std::string> some_of(std::span<const std::string> items, std::size_t most) {
  const auto shown = items.first(std::min(most, items.size()));
  std::vector<std::string> some(shown.begin(), shown.end());
  if (items.size() > most) some.push_back(fmt::format("and {} more", items.size() - most));
  return some;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // distances of a's first letters from each beginning of b
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, diagonal + 1, replaced});
    }
  }
  return row.back();
}

namespace {

std::size_t distance_of(std::string_view name, std::string_view known) {
  const std::size_t distance = edit_distance(name, known);
  const bool is_near = name.starts_with(known) || known.find(name) != std::string_view::npos;
  return is_near ? std::min<std::size_t>(distance, 1) : distance;
}

}  // namespace

std::vector<std::string_view> nearest_to(std::string_view name, std::span<const std::string_view> names) {
  constexpr std::size_t most = 3;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  std::vector<std::string_view> nearest;
  for (const std::string_view known : names) {
    const std::size_t distance = distance_of(name, known);
    if (distance < least) nearest.clear();
    if (distance <= least && nearest.size() < most) nearest.push_back(known);
    least = std::min(least, distance);
  }
  return nearest;
}

std::string counted(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string human_bytes(double bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "unknown";
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  if (whole < 48 * 3600) return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d {:02}h", whole / 86400, whole % 86400 / 3600);
}

}  // namespace alphahill
