#include "programs/command_line/config_file.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>
#include <sstream>

#include "alphahill/base/error.hpp"
#include "programs/command_line/nearest.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_flag(const po::option_description& option) {
  return option.semantic()->max_tokens() == 0;
}

std::string without_remark(const std::string& text) {
  return boost::trim_copy(text.substr(0, text.find('#')));
}

/// @param text  what follows the "="
std::string unquoted_value(const std::string& text, const std::string& where) {
  const std::string trimmed = boost::trim_copy(text);
  const char quote = trimmed.empty() ? '\0' : trimmed.front();
  if (quote != '"' && quote != '\'') return without_remark(trimmed);
  const std::size_t end = trimmed.find(quote, 1);
  if (end == trimmed.npos || !without_remark(trimmed.substr(end + 1)).empty())
    throw Error(Fault::usage, where,
                fmt::format("expected one pair of quotes around the value, found {}", trimmed));
  return trimmed.substr(1, end - 1);
}

/// What is written where nothing is given to an option.
std::string value_alone(const po::option_description& option, const std::string& where) {
  if (is_flag(option)) return "true";
  throw Error(Fault::usage, where, fmt::format("expected '{} = value', found no value", option.long_name()));
}

/// @param line  what the name was found in
const po::option_description& named_option(const std::string& name, const std::string& line,
                                           const po::options_description& options, const std::string& where) {
  const po::option_description* option = name.empty() ? nullptr : options.find_nothrow(name, false);
  if (option != nullptr) return *option;
  if (name.empty() || name.find_first_of(": \t") != name.npos) {
    throw Error(Fault::usage, where, fmt::format("expected 'name = value' or a flag, found '{}'", line));
  }
  throw Error(Fault::usage, where, unknown_option_text(options, name, ""));
}

/// @param line  not empty
ConfigLine parse_line(const std::string& line, int number, const std::string& where,
                      const po::options_description& options) {
  const std::size_t end = line.find_first_of("=#");
  const std::string name = boost::trim_copy(line.substr(0, end));
  const po::option_description& option = named_option(name, boost::trim_copy(line), options, where);
  if (name == "config") throw Error(Fault::usage, where, "a config file names no other one");
  const bool has_value = end != line.npos && line[end] == '=';
  return {number, name, has_value ? unquoted_value(line.substr(end + 1), where) : value_alone(option, where)};
}

}  // namespace

std::string place_in_config(const std::string& path, int line) {
  return fmt::format("--config {}, line {}", path, line);
}

std::vector<ConfigLine> parse_config(const std::string& text, const std::string& path,
                                     const po::options_description& options) {
  std::istringstream stream(text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text);
  std::vector<ConfigLine> lines;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    // A # after the "=" may stand in quotes.
    const bool is_empty = without_remark(line).empty();
    if (!is_empty) lines.push_back(parse_line(line, number, place_in_config(path, number), options));
  }
  return lines;
}

}  // namespace alphahill
