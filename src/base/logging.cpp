#include "alphahill/base/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

constexpr std::array<std::pair<const char*, spdlog::level::level_enum>, 5> levels{{
    {"DEBUG", spdlog::level::debug},
    {"INFO", spdlog::level::info},
    {"WARNING", spdlog::level::warn},
    {"ERROR", spdlog::level::err},
    {"CRITICAL", spdlog::level::critical},
}};

}  // namespace

void start_logging(const std::string& level, int rank) {
  const auto found =
      std::ranges::find(levels, level, [](const auto& entry) { return std::string(entry.first); });
  if (found == levels.end()) {
    throw Error(Fault::usage, "--log-level",
                "expected DEBUG, INFO, WARNING, ERROR or CRITICAL, found '" + level + "'");
  }
  auto logger = spdlog::stderr_color_mt("rank " + std::to_string(rank));
  logger->set_pattern(rank == 0 ? "%H:%M:%S %^%l%$ %v" : "%H:%M:%S %^%l%$ %n: %v");
  logger->set_level(rank == 0 ? found->second : std::max(found->second, spdlog::level::warn));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace alphahill
