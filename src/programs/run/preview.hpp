/// What a run would do, for --dry-run.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/schedule/rank_pool.hpp"
#include "programs/run/run_journal.hpp"

namespace alphahill {

/// Memory of a rank, and how it is known.
struct MemoryShare {
  std::int64_t bytes;
  std::string source;
};

/// What a run on these ranks would still read, need and take, and what each precision adds, at the rates of this core;
/// reads no weights.
std::string preview(const Catalog& catalog, const AnalysisSettings& settings, const StoredLayers& stored,
                    const BlockLayout& ranks, const MemoryShare& memory_per_rank);

/// @param finished  names of layers that are done
/// @param memory_per_rank  bytes
/// @throws Error(input) naming the commonest reason, where none of the layers is done or can be computed
void require_computable_layer(const Catalog& catalog, const AnalysisSettings& settings,
                              const std::set<std::string>& finished, const BlockLayout& ranks,
                              std::int64_t memory_per_rank);

}  // namespace alphahill
