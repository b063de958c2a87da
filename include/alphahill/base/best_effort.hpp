/// Work that a run can do without: measurements that only steer it, and what it writes besides its figures.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace alphahill {

/// What the exception says that leaves `work`; nothing where none does. Only what derives from std::exception
/// is caught.
std::optional<std::string> failure_of(const std::function<void()>& work);

/// Logs a failure of `work` as a warning, "REASON; CONSEQUENCE".
/// @param consequence  what is missing then, or assumed
/// @return whether it succeeded
bool best_effort(const std::function<void()>& work, const std::string& consequence);

}  // namespace alphahill
