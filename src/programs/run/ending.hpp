/// How a run of alpha-hill ends: its exit code, and what its folder says of it afterwards.
#pragma once

#include "alphahill/base/error.hpp"
#include "programs/run/run.hpp"

namespace alphahill {

/// In front of errors.
inline constexpr const char* program_name = "alpha-hill";

/// What a run that failed leaves behind. @return the exit code
int failed_run(Run& run, const Error& failure);

/// finish_run, and what it comes to. @return the exit code
int concluded(Run& run);

}  // namespace alphahill
