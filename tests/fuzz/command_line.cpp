/// Fuzzes the command line of alpha-hill. Input: arguments, one a line | NUL | text of the file that --config
/// names.
#include <sys/mman.h>
#include <unistd.h>

#include <boost/algorithm/string.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/base/error.hpp"
#include "fuzz/invariant.hpp"
#include "programs/run/options.hpp"

namespace alphahill {

namespace {

/// The --config that makes the program read this text.
std::string config_of(std::string_view text) {
  static const int file = ::memfd_create("config", 0);
  const bool held =
      ::ftruncate(file, 0) == 0 && ::pwrite(file, text.data(), text.size(), 0) == std::ssize(text);
  promise(held, "the text is in the file");
  return "--config=/proc/self/fd/" + std::to_string(file);
}

std::vector<std::string> arguments_of(std::string_view input) {
  const std::size_t end = input.find('\0');
  std::vector<std::string> arguments;
  boost::split(arguments, input.substr(0, end), boost::is_any_of("\n"));
  // Other files of this machine are no part of the input.
  std::erase_if(arguments, [](const std::string& argument) { return argument.starts_with("--config"); });
  if (end != std::string_view::npos) arguments.push_back(config_of(input.substr(end + 1)));
  arguments.insert(arguments.begin(), "alpha-hill");
  return arguments;
}

void check(const Options& options) {
  if (!options.text.empty()) return;
  promise(!options.model.empty(), "there is a model");
  promise(options.settings.k_fraction > 0 && options.settings.k_fraction <= 1, "k-frac is in (0, 1]");
  std::set<std::string_view> names;
  for (const Precision& precision : options.settings.precisions) names.insert(precision.name);
  promise(!names.empty() && names.size() == options.settings.precisions.size(),
          "there are precisions, none twice");
  promise(options.memory_per_rank.value_or(1) > 0, "memory is more than nothing");
  promise(options.layer_timeout.value_or(0) >= 0 && options.grace_seconds >= 0, "times are not negative");
  promise(options.report.max_layers_per_plot.value_or(0) >= 0, "a plot has no negative number of layers");
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  const std::vector<std::string> arguments = arguments_of(text_of(bytes, size));
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    check(parse_options(static_cast<int>(argv.size()), argv.data()));
  } catch (const Error& error) {
    promise(error.fault() == Fault::usage, "a bad command line is wrong usage");
  }
  return 0;
}
