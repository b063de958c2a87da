/// A file of options, for --config.
///
/// file := line*      line := "name = value" | name of a flag | nothing, each with "# remark" behind it
///
/// A pair of quotes around a value is no part of it; a # between them begins no remark. Blanks, tabs and the ends
/// of lines of Windows around a name or a value do not count.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

namespace alphahill {

/// An option of the file; a flag has the value "true" where it is given alone.
struct ConfigLine {
  int number = 0;  ///< from 1
  std::string name;
  std::string value;
};

/// "--config run.cfg, line 3".
std::string place_in_config(const std::string& path, int line);

/// The lines that set an option.
/// @param path  of the file, for errors
/// @throws Error(usage) naming the line of an option that there is not, or that lacks its value, or a quote
std::vector<ConfigLine> parse_config(const std::string& text, const std::string& path,
                                     const boost::program_options::options_description& options);

}  // namespace alphahill
