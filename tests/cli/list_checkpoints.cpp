/// Lists the layers of many checkpoints in one process, as alpha-hill --list-layers does of one.
///
/// Input: a folder a line. Output for each: the table of its layers, and a line "end"; or the error instead, a
/// line "error MESSAGE".
#include <fmt/format.h>

#include <iostream>
#include <string>

#include "alphahill/base/error.hpp"
#include "alphahill/base/logging.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/checkpoint/layer_table.hpp"

namespace {

std::string answer(const std::string& folder) {
  try {
    return alphahill::layer_table(alphahill::open_catalog(folder, "")) + "end\n";
  } catch (const alphahill::Error& error) {
    return fmt::format("error {}\n", error.what());
  }
}

}  // namespace

int main() {
  alphahill::start_logging("WARNING", 0);
  for (std::string folder; std::getline(std::cin, folder);) std::cout << answer(folder) << std::flush;
  return 0;
}
