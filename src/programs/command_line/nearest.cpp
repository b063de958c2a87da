#include "programs/command_line/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace alphahill {

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

bool is_beginning(std::string_view beginning, std::string_view name) {
  constexpr std::size_t shortest = 3;
  return beginning.size() >= shortest && name.starts_with(beginning);
}

}  // namespace

std::string nearest_option(const boost::program_options::options_description& options, std::string name) {
  constexpr std::size_t least_tolerance = 2;
  name.erase(0, name.find_first_not_of('-'));
  std::ranges::replace(name, '_', '-');
  std::string nearest;
  std::size_t least = std::max(least_tolerance, name.size() / 3) + 1;
  for (const auto& option : options.options()) {
    const std::string& known = option->long_name();
    std::size_t distance = edit_distance(name, known);
    if (is_beginning(name, known) || is_beginning(known, name)) distance = std::min<std::size_t>(distance, 1);
    if (distance >= least) continue;
    least = distance;
    nearest = known;
  }
  return nearest;
}

std::string unknown_option_text(const boost::program_options::options_description& options,
                                const std::string& name, std::string_view dashes) {
  const std::string nearest = nearest_option(options, name);
  const std::string text = fmt::format("unrecognised option '{}'", name);
  return nearest.empty() ? text : fmt::format("{}, did you mean '{}{}'?", text, dashes, nearest);
}

}  // namespace alphahill
