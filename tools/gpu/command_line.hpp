/// What the programs that measure a GPU have in common: they take words and numbers, and say what went wrong.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"

namespace alphahill {

using Words = std::vector<std::string>;

inline bool asks_for_help(const Words& words) {
  return !words.empty() && (words.front() == "--help" || words.front() == "-h");
}

/// The value of the option at this place, "2048,4096", which is passed.
/// @throws Error(usage) where it is anything but numbers above 0
inline std::vector<std::int64_t> numbers_of_option(const Words& words, std::size_t& place) {
  const std::string& option = words[place];
  const std::string list = ++place < words.size() ? words[place] : "";
  std::vector<std::int64_t> numbers;
  std::istringstream items(list);
  for (std::string text; std::getline(items, text, ',');) {
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || end != text.data() + text.size()) number = 0;
    numbers.push_back(number);
  }
  const bool valid = !numbers.empty() && std::ranges::all_of(numbers, [](std::int64_t n) { return n > 0; });
  if (valid) return numbers;
  throw Error(Fault::usage, option, "expected numbers above 0, found '" + list + "'");
}

/// The entry of a table that has this name. @throws Error(usage)
template <class Table>
const auto& entry_of(const Table& table, const std::string& name) {
  for (const auto& entry : table) {
    if (name == entry.name) return entry;
  }
  throw Error(Fault::usage, "command line", "there is no '" + name + "'; see --help");
}

/// @return the exit code: 2 for wrong usage, 1 for any other error, which is printed
inline int run_program(const char* name, int argc, char** argv, void (*run)(const Words&)) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}: error: {}\n", name, error.what());
    return error.fault() == Fault::usage ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: error: {}\n", name, error.what());
    return 1;
  }
}

}  // namespace alphahill
