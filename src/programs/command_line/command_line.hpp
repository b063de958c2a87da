/// Command lines of the two programs: parsed by Boost.Program_options, errors as one line each.
#pragma once

#include <boost/program_options.hpp>
#include <map>
#include <string>
#include <string_view>

#include "alphahill/base/error.hpp"
#include "alphahill/report/report.hpp"

namespace alphahill {

/// What a program accepts.
struct CommandLine {
  boost::program_options::options_description options;
  boost::program_options::positional_options_description positional;  ///< empty: every value needs its option
  std::string intro;     ///< what the program is for, before the options in --help
  std::string examples;  ///< after them
  std::string main_option =
      {};  ///< what a value without an option is most likely about, where there are no positional ones
};

/// The values that a command line and its config file give to options.
struct GivenOptions {
  boost::program_options::variables_map values;
  std::map<std::string, std::string> places;  ///< of those from the config file: "--config run.cfg, line 3"

  /// The error with the place in the config file, where it is about an option from there.
  Error placed(const Error& error) const;
};

/// The options that both programs have: --config, --log-level, --help, --version.
boost::program_options::options_description general_options();

/// The options of a report that both programs have.
boost::program_options::options_description report_options();

/// Their values. @throws Error(usage) for a wrong one
ReportSettings report_settings(const boost::program_options::variables_map& values);

/// --help NAME
bool asks_for_table(int argc, const char* const* argv, std::string_view name);

/// Parses the arguments, then the file that --config names; the command line wins.
/// @throws Error(usage) for anything that the program does not accept
GivenOptions parse(const CommandLine& command_line, int argc, const char* const* argv);

/// The text that --help or --version asks for; empty when neither is given.
std::string requested_text(const CommandLine& command_line,
                           const boost::program_options::variables_map& values, const std::string& program);

}  // namespace alphahill
