/// What alpha-hill shows without computing: help, the layers of a model, what a run would take. It needs no MPI, which a
/// login node may forbid.
#pragma once

#include "programs/run/options.hpp"

namespace alphahill {

/// @param ranks  of the run that a preview is about, where the options do not say
/// @throws Error  also where a run like this would have no figure of any layer
void show(const Options& options, int ranks);

}  // namespace alphahill
