#include "alphahill/base/layer_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/regex.hpp>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

std::vector<bool> layers_kept(std::span<const std::string> names, const std::string& expression) {
  constexpr auto option = "--filter-layers";
  // Boost never comes to the end of an expression with one behind a possessive repeat: a?+(?#c)b
  if (expression.find("(?#") != expression.npos) {
    throw Error(Fault::usage, option, fmt::format("'{}': comments, (?#...), are not allowed", expression));
  }
  if (printable_message(expression) != expression) {
    throw Error(Fault::usage, option,
                fmt::format("expected UTF-8 without control characters, which no name has, found '{}'",
                            printable_message(expression)));
  }
  std::vector<bool> kept;
  try {
    const boost::regex pattern(expression, boost::regex::perl);
    for (const std::string& name : names) kept.push_back(boost::regex_search(name, pattern));
  } catch (const std::runtime_error& error) {
    throw Error(Fault::usage, option, fmt::format("'{}': {}", expression, error.what()));
  }
  if (std::ranges::find(kept, true) != kept.end()) return kept;
  const bool is_list = expression.find(',') != expression.npos && expression.find('{') == expression.npos;
  throw Error(
      Fault::usage, option,
      fmt::format("'{}' is in none of the names of the {}{}{}", expression,
                  counted(std::ssize(names), "layer"), names.empty() ? "" : "; the first is " + names.front(),
                  is_list ? "; between alternatives stands | and no comma" : ""));
}

}  // namespace alphahill
