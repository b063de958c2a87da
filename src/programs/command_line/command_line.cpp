#include "programs/command_line/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "alphahill/base/file.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"
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

bool is_set(const po::variables_map& values, const std::string& name) {
  return values.contains(name) && !values[name].defaulted();
}

/// What the command line leaves open.
void store_config(const CommandLine& command_line, const std::string& path, GivenOptions& given) {
  const std::string text = read_text(path, largest_config_file);
  po::parsed_options parsed(&command_line.options);
  for (const ConfigLine& line : parse_config(text, path, command_line.options)) {
    if (is_set(given.values, line.name)) continue;
    parsed.options.emplace_back(line.name, std::vector<std::string>{line.value});
    given.places[line.name] = place_in_config(path, line.number);
  }
  try {
    po::store(parsed, given.values);
  } catch (const po::error_with_option_name& error) {
    refuse(given.places[error.get_option_name()], error, text);
  }
}

bool is_stray(const po::option& option) {
  return option.string_key.empty() && !option.value.empty();
}

/// What the argument that belongs to no option was meant for.
std::string meaning_of_stray(const CommandLine& command_line, const std::vector<po::option>& given,
                             std::vector<po::option>::const_iterator stray) {
  const auto is_main = [&](const po::option& option) {
    return option.string_key == command_line.main_option;
  };
  if (std::ranges::none_of(given, is_main)) {
    return fmt::format("a {0} is named by --{0}: --{0} {1}", command_line.main_option, stray->value.front());
  }
  const bool behind_flag = stray != given.begin() && std::prev(stray)->value.empty();
  if (behind_flag) return fmt::format("--{} takes no value", std::prev(stray)->string_key);
  return "a list with blanks, or a value with some, stands in quotes";
}

/// @throws Error(usage) for an argument that belongs to no option, where all have to
void refuse_stray_arguments(const CommandLine& command_line, const std::vector<po::option>& given) {
  const auto stray = std::ranges::find_if(given, is_stray);
  if (stray == given.end()) return;
  throw Error(Fault::usage, "command line",
              fmt::format("'{}' belongs to no option; {}; see --help", stray->value.front(),
                          meaning_of_stray(command_line, given, stray)));
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
       "layers with fewer are left out of summary and plots, and have no figure in the CSV")     //
      ("base", po::value<std::string>()->value_name("PRECISION"),                                //
       "what changes of alpha are relative to; default: fp64, fp32 or the load dtype, the first "
       "that was computed")                                      //
      ("metrics", po::value<std::string>()->value_name("LIST"),  //
       "all, or some of the metrics of spectra that --help metrics lists, into spectral_metrics.csv");
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
  if (values.contains("base")) settings.selection.base = precision_name(text("base"));
  if (values.contains("metrics")) {
    settings.selection.metrics = parse_spectral_metrics(list_of("--metrics", text("metrics")), "--metrics");
  }
  return settings;
}

bool asks_for_table(int argc, const char* const* argv, std::string_view name) {
  return argc == 3 && std::string_view(argv[1]) == "--help" && argv[2] == name;
}

Error GivenOptions::placed(const Error& error) const {
  if (!error.where().starts_with("--")) return error;
  const auto place = places.find(error.where().substr(2));
  if (place == places.end()) return error;
  return {error.fault(), place->second + ": " + place->first, error.reason()};
}

GivenOptions parse(const CommandLine& command_line, int argc, const char* const* argv) {
  GivenOptions given;
  try {
    const po::parsed_options parsed = parse_arguments(command_line, argc, argv);
    refuse_stray_arguments(command_line, parsed.options);
    po::store(parsed, given.values);
  } catch (const po::unknown_option& error) {
    const std::string token = error.get_option_name();
    throw Error(
        Fault::usage, "command line",
        unknown_option_text(command_line.options, token.substr(0, token.find('=')), "--") + "; see --help");
  } catch (const po::error& error) {
    refuse("command line", error, fmt::format("{}", fmt::join(argv, argv + argc, " ")));
  }
  if (given.values.contains("config")) {
    store_config(command_line, file_path("--config", given.values["config"].as<std::string>()), given);
  }
  return given;
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
