#include "programs/command_line/config_file.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/trim.hpp>
#include <sstream>

#include "alphahill/base/error.hpp"
#include "programs/command_line/nearest.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

bool is_flag(const po::option_description& option) {
  return option.semantic()->max_tokens() == 0;
}

/// @param line  not empty
std::string line_for_boost(const std::string& line, const po::options_description& options,
                           const std::string& where) {
  const std::string name = boost::trim_copy(line.substr(0, line.find('=')));
  if (name.empty())
    throw Error(Fault::usage, where, fmt::format("expected 'name = value', found '{}'", line));
  const po::option_description* option = options.find_nothrow(name, false);
  if (option == nullptr) throw Error(Fault::usage, where, unknown_option_text(options, name, ""));
  if (line.find('=') != line.npos) return line;
  if (is_flag(*option)) return name + " = true";
  throw Error(Fault::usage, where, fmt::format("expected '{} = value', found no value", name));
}

}  // namespace

std::string config_for_boost(const std::string& text, const po::options_description& options,
                             const std::string& where) {
  std::istringstream lines(text);
  std::string result;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = boost::trim_copy(line.substr(0, line.find('#')));
    if (!line.empty()) result += line_for_boost(line, options, fmt::format("{}, line {}", where, number));
    result += '\n';
  }
  return result;
}

}  // namespace alphahill
