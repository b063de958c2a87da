/// Log lines on standard error, with spdlog: rank 0 speaks at the level asked for, other ranks from WARNING
/// on.
#pragma once

#include <string>

namespace alphahill {

/// @param level  DEBUG, INFO, WARNING, ERROR or CRITICAL
/// @throws Error(usage) for another level
void start_logging(const std::string& level, int rank);

}  // namespace alphahill
