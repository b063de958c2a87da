/// The layers of a checkpoint as the schedule sees them: their shapes, and the memory that they need.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/schedule/plan.hpp"

namespace alphahill {

/// @param stored  how many of the precisions, the first ones, need not be computed
LayerShape shape_of(const Layer& layer, const AnalysisSettings& settings, std::int32_t stored = 0);

/// Bytes of memory that each rank of a team needs for the layer, besides the program.
std::int64_t bytes_needed(const Layer& layer, const AnalysisSettings& settings, int team_size);

/// The smallest team, or single rank, whose ranks have the memory for the layer; nothing where none has.
std::optional<int> smallest_team(const Layer& layer, const AnalysisSettings& settings,
                                 const BlockLayout& ranks, std::int64_t memory_per_rank);

/// What is known of a layer before a run.
enum class LayerState {
  waiting,
  suspect,   ///< to be computed, and was computed when an earlier run went down
  finished,  ///< or left out
};

/// The layers that can be analysed and are not yet finished, each with the smallest team that has the memory
/// for it.
/// @param memory_per_rank  bytes, besides the program; enough for each of these layers on some team
/// @param stored  as compute_records takes it
Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings, const BlockLayout& ranks,
               std::int64_t memory_per_rank, const std::function<LayerState(std::int64_t layer)>& state,
               std::span<const std::int32_t> stored = {});

}  // namespace alphahill
