#include "programs/command_line/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// What other programs call options of ours.
struct Synonym {
  std::string_view name;
  std::vector<std::string_view> ours;
};

const std::vector<Synonym> synonyms{
    {"m", {"model"}},
    {"o", {"output-dir"}},
    {"dtype", {"load-dtype", "precisions"}},
    {"torch-dtype", {"load-dtype", "precisions"}},
    {"layers", {"filter-layers"}},
    {"gpu", {"device"}},
    {"cuda", {"device"}},
    {"verbose", {"log-level"}},
    {"v", {"log-level", "version"}},
};

constexpr std::array<std::string_view, 4> options_of_launchers{"n", "np", "nproc", "ntasks"};

std::string bare_name(std::string name) {
  name.erase(0, name.find_first_not_of('-'));
  std::ranges::replace(name, '_', '-');
  return name;
}

/// Those of the program's options that other programs call so.
std::vector<std::string> options_called(const std::string& name,
                                        const boost::program_options::options_description& options) {
  const auto synonym = std::ranges::find(synonyms, name, &Synonym::name);
  std::vector<std::string> found;
  if (synonym == synonyms.end()) return found;
  for (const std::string_view ours : synonym->ours) {
    if (options.find_nothrow(std::string(ours), false) != nullptr) found.emplace_back(ours);
  }
  return found;
}

/// Whether the program runs on several ranks, and the name is how a launcher is told of them.
bool means_ranks(const std::string& name, const boost::program_options::options_description& options) {
  return std::ranges::find(options_of_launchers, name) != options_of_launchers.end() &&
         options.find_nothrow("ranks", false) != nullptr;
}

bool is_beginning(std::string_view beginning, std::string_view name) {
  constexpr std::size_t shortest = 3;
  return beginning.size() >= shortest && name.starts_with(beginning);
}

/// Of the words between dashes, the last.
bool is_last_word(const std::string& word, std::string_view name) {
  return !word.empty() && name.ends_with("-" + word);
}

}  // namespace

std::string nearest_option(const boost::program_options::options_description& options, std::string name) {
  constexpr std::size_t least_tolerance = 2;
  name = bare_name(name);
  std::string nearest;
  std::size_t least = std::max(least_tolerance, name.size() / 3) + 1;
  for (const auto& option : options.options()) {
    const std::string& known = option->long_name();
    std::size_t distance = edit_distance(name, known);
    if (is_beginning(name, known) || is_beginning(known, name)) distance = std::min<std::size_t>(distance, 1);
    if (is_last_word(name, known)) distance = std::min<std::size_t>(distance, 2);
    if (distance >= least) continue;
    least = distance;
    nearest = known;
  }
  return nearest;
}

std::string unknown_option_text(const boost::program_options::options_description& options,
                                const std::string& name, std::string_view dashes) {
  std::string text = fmt::format("unrecognised option '{}'", name);
  if (means_ranks(bare_name(name), options))
    return text + ", ranks are the launcher's: mpirun -n N alpha-hill ...";
  std::vector<std::string> meant = options_called(bare_name(name), options);
  if (meant.empty()) meant.push_back(nearest_option(options, name));
  if (meant.front().empty()) return text;
  for (std::string& option : meant) option = fmt::format("'{}{}'", dashes, option);
  return fmt::format("{}, did you mean {}?", text, fmt::join(meant, " or "));
}

}  // namespace alphahill
