/// What a run would do, for --dry-run.
#pragma once

#include <string>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/spectrum/analysis.hpp"

namespace alphahill {

/// Layers, bytes to read, flops, memory and predicted time of a run on this many ranks; reads no weights.
std::string preview(const Catalog& catalog, const AnalysisSettings& settings, int ranks);

}  // namespace alphahill
