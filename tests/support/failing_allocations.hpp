/// Allocations that fail when a test says so: operator new is replaced in a program that links this.
#pragma once

#include <cstdint>

namespace alphahill {

/// Allocations of this thread up to the one that fails; 0: none does.
std::int64_t& allocations_to_failure();

}  // namespace alphahill
