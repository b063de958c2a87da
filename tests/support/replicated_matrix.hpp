/// The matrix of a team of threads.
#pragma once

#include <cstdint>
#include <memory>

#include "alphahill/spectrum/team_matrix.hpp"

namespace alphahill {

/// Every member holds all of it and computes the same.
std::unique_ptr<TeamMatrix> make_replicated_matrix(std::int64_t rows, std::int64_t cols);

}  // namespace alphahill
