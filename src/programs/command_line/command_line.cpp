#include "programs/command_line/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "programs/command_line/config_file.hpp"
#include "programs/command_line/nearest.hpp"
#include "programs/command_line/option_values.hpp"
#include "programs/command_line/version.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

constexpr std::int64_t largest_config_file = 1 << 20;

/// Boost's message: "unrecognised option '--modle'".
/// @param given  what was parsed; where it holds a placeholder of Boost's messages, such as %value%, Boost
/// would fill it in forever
[[noreturn]] void refuse(const std::string& where, const po::error& error, const std::string& given) {
  const auto* named = dynamic_cast<const po::error_with_option_name*>(&error);
  const bool unsafe = named != nullptr && given.find('%') != std::string::npos;
  const std::string reason =
      unsafe ? fmt::format("the option '{}' or its value is wrong", named->get_option_name()) : error.what();
  throw Error(Fault::usage, where, reason + "; see --help");
}

void read_config(const CommandLine& command_line, const std::string& path, po::variables_map& values) {
  const std::string where = "--config " + path;
  std::istringstream text(
      config_for_boost(read_text(path, largest_config_file), command_line.options, where));
  try {
    po::store(po::parse_config_file(text, command_line.options), values);
  } catch (const po::error& error) {
    refuse(where, error, text.str());
  }
}

/// @throws Error(usage) for an argument that belongs to no option, where all have to
void refuse_stray_arguments(const CommandLine& command_line, const po::parsed_options& parsed) {
  const auto is_of = [&](const po::option& option) { return option.string_key == command_line.main_option; };
  const bool has_main = std::ranges::any_of(parsed.options, is_of);
  for (const po::option& option : parsed.options) {
    if (!option.string_key.empty() || option.value.empty()) continue;
    const std::string& stray = option.value.front();
    const std::string meant =
        has_main ? "a list with blanks, or a value with some, stands in quotes"
                 : fmt::format("a {0} is named by --{0}: --{0} {1}", command_line.main_option, stray);
    throw Error(Fault::usage, "command line",
                fmt::format("'{}' belongs to no option; {}; see --help", stray, meant));
  }
}

po::parsed_options parse_arguments(const CommandLine& command_line, int argc, const char* const* argv) {
  constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  po::command_line_parser parser(argc, argv);
  parser.options(command_line.options).style(style);
  if (command_line.positional.max_total_count() > 0) parser.positional(command_line.positional);
  return parser.run();
}

}  // namespace

po::options_description general_options() {
  po::options_description options("General", 100);
  options.add_options()                                                                       //
      ("config", po::value<std::string>()->value_name("FILE"),                                //
       "read options from FILE, one \"name = value\" or flag a line; the command line wins")  //
      ("log-level", po::value<std::string>()->value_name("LEVEL")->default_value("INFO"),     //
       "DEBUG, INFO, WARNING, ERROR or CRITICAL")                                             //
      ("version", po::bool_switch(), "print the versions of alphahill and its libraries")     //
      ("help,h", po::bool_switch(), "print this text");
  return options;
}

po::options_description report_options() {
  po::options_description options("Report", 100);
  options.add_options()                                                                          //
      ("plot-format", po::value<std::string>()->value_name("FORMAT")->default_value("png"),      //
       "png, pdf or svg")                                                                        //
      ("max-layers-per-plot", po::value<std::string>()->value_name("N"),                         //
       "layers in one combined plot; 0: all of them; "                                           //
       "default: 10, or all of them where that would make more than 30 plots")                   //
      ("individual-plots", po::value<std::string>()->value_name("WHEN")->default_value("auto"),  //
       "a plot for each layer: always, never, or auto: up to 500 layers")                        //
      ("min-eigenvalues", po::value<std::string>()->value_name("N")->default_value("0"),         //
       "layers with fewer are left out of summary and plots, and have no figure in the CSV");
  return options;
}

ReportSettings report_settings(const po::variables_map& values) {
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  ReportSettings settings;
  settings.version = version_text();
  settings.plot_format = parse_plot_format(text("plot-format"));
  if (values.contains("max-layers-per-plot")) {
    settings.max_layers_per_plot = whole_number("--max-layers-per-plot", text("max-layers-per-plot"));
  }
  settings.individual_plots = parse_individual_plots(text("individual-plots"));
  settings.selection.min_eigenvalues = whole_number("--min-eigenvalues", text("min-eigenvalues"));
  return settings;
}

po::variables_map parse(const CommandLine& command_line, int argc, const char* const* argv) {
  po::variables_map values;
  try {
    const po::parsed_options parsed = parse_arguments(command_line, argc, argv);
    refuse_stray_arguments(command_line, parsed);
    po::store(parsed, values);
  } catch (const po::unknown_option& error) {
    const std::string token = error.get_option_name();
    throw Error(
        Fault::usage, "command line",
        unknown_option_text(command_line.options, token.substr(0, token.find('=')), "--") + "; see --help");
  } catch (const po::error& error) {
    refuse("command line", error, fmt::format("{}", fmt::join(argv, argv + argc, " ")));
  }
  if (values.contains("config")) read_config(command_line, values["config"].as<std::string>(), values);
  return values;
}

std::string requested_text(const CommandLine& command_line, const po::variables_map& values,
                           const std::string& program) {
  if (values["version"].as<bool>()) return program + " " + version_text() + "\n";
  if (!values["help"].as<bool>()) return {};
  std::ostringstream text;
  text << command_line.intro << "\n" << command_line.options << "\n" << command_line.examples;
  return text.str();
}

}  // namespace alphahill
