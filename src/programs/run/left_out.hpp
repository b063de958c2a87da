/// Which layers a run leaves out, and why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/results/journal.hpp"
#include "alphahill/schedule/rank_pool.hpp"
#include "programs/run/run.hpp"

namespace alphahill {

/// Why a layer is not to be computed.
struct LeftOut {
  Status status;
  std::string reason;
};

/// For good: whatever the machine, the next run would leave it out too.
std::optional<LeftOut> left_out(const Layer& layer, AttemptTally attempts);

/// For this run only. @param memory_per_rank  bytes
std::optional<LeftOut> too_large(const Layer& layer, const AnalysisSettings& settings,
                                 const BlockLayout& ranks, std::int64_t memory_per_rank);

/// As reconsider_layer does, of all layers that are asked for and not left out for good.
void reconsider_layers(Run& run);

/// Layers that are left out for good have their records at once. Attempts are kept behind the record that they
/// explain: later runs leave the layer out by them.
void record_layers_left_out(Run& run);

/// Of layers that are too large for this run. @param memory_per_rank  bytes
std::map<std::int64_t, LayerRecord> records_too_large(const Run& run, std::int64_t memory_per_rank);

}  // namespace alphahill
