/// How fast the ranks of a run are, against rank 0.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "alphahill/runtime/mpi_session.hpp"

namespace alphahill {

/// Speeds of ranks against the first one's, from the seconds that each took for the same. What differs by 5%
/// at most is taken for equal, and so is what cannot be compared because one of the two is not a positive
/// number.
std::vector<double> relative_speeds(std::span<const double> seconds);

/// Speeds of all ranks against rank 0's, on rank 0; on other ranks nothing. Ranks whose probe throws or gives
/// no positive number are taken to be as fast as rank 0; one warning names the first of them. Collective.
/// @param probe  the seconds that this rank takes for what is the same on all of them
std::vector<double> measured_speeds(MpiSession& mpi, const std::function<double()>& probe);

}  // namespace alphahill
