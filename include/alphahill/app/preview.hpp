/// What a run would do, for --dry-run.
#pragma once

#include <optional>
#include <string>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/cluster/rank_pool.hpp"
#include "alphahill/spectrum/analysis.hpp"

namespace alphahill {

/// What a run on these ranks would read, need and take, at the rates of this core; reads no weights.
/// @param memory_per_rank  bytes; nothing: as much as the layers need
std::string preview(const Catalog& catalog, const AnalysisSettings& settings, const BlockLayout& ranks,
                    std::optional<std::int64_t> memory_per_rank);

}  // namespace alphahill
