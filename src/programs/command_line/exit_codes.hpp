/// Exit codes of both programs.
#pragma once

namespace alphahill {

inline constexpr int exit_complete = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_stopped_early = 75;

}  // namespace alphahill
