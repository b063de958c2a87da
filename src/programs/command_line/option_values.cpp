#include "programs/command_line/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <optional>
#include <set>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/environment.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/formats/precision.hpp"

namespace alphahill {

namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view expected, const std::string& value) {
  throw Error(Fault::usage, std::string(option), fmt::format("expected {}, found '{}'", expected, value));
}

template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string choice(std::string_view option, const std::string& value,
                   const std::vector<std::string>& allowed) {
  if (std::ranges::find(allowed, value) == allowed.end()) refuse(option, "one of " + joined(allowed), value);
  return value;
}

std::string file_path(std::string_view option, const std::string& value) {
  if (value.empty()) refuse(option, "a path", value);
  return with_home_folder(value);
}

double fraction(std::string_view option, const std::string& value) {
  const auto number = number_in<double>(value);
  if (!number || !(*number > 0 && *number <= 1)) refuse(option, "a number in (0, 1]", value);
  return *number;
}

double tolerance(std::string_view option, const std::string& value) {
  const auto number = number_in<double>(value);
  if (!number || !(*number >= 0 && *number < 1)) refuse(option, "a number in [0, 1)", value);
  return *number;
}

int whole_number(std::string_view option, const std::string& value) {
  const auto number = number_in<int>(value);
  if (!number || *number < 0) refuse(option, "a whole number, 0 or more", value);
  return *number;
}

int positive_number(std::string_view option, const std::string& value) {
  const auto number = number_in<int>(value);
  if (!number || *number < 1) refuse(option, "a whole number, 1 or more", value);
  return *number;
}

std::int64_t memory_size(std::string_view option, const std::string& value) {
  constexpr std::string_view units = "KMGT";
  const std::size_t unit = value.empty() ? units.npos : units.find(value.back());
  const bool scaled = unit != units.npos;
  const auto number = number_in<std::int64_t>(scaled ? value.substr(0, value.size() - 1) : value);
  const std::int64_t scale = std::int64_t{1} << (scaled ? 10 * (unit + 1) : 0);
  const auto bytes = number ? checked_multiply(*number, scale) : std::nullopt;
  if (!bytes || *bytes <= 0) refuse(option, "a number of bytes such as 4G (K, M, G or T)", value);
  return *bytes;
}

std::string precision_name(const std::string& value) {
  const auto precision = find_precision(value);
  return precision ? std::string(precision->name) : value;
}

std::vector<std::string> list_of(std::string_view option, const std::string& value) {
  std::vector<std::string> parts;
  boost::split(parts, value, [](char c) { return c == ','; });
  for (std::string& part : parts) boost::trim(part);
  const std::set<std::string> distinct(parts.begin(), parts.end());
  if (distinct.contains("")) refuse(option, "a comma-separated list", value);
  if (distinct.size() != parts.size()) refuse(option, "a comma-separated list without repetitions", value);
  return parts;
}

}  // namespace alphahill
