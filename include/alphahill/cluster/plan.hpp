/// What a run has to do: its layers, longest first, and the ranks that take each.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/cluster/cost_model.hpp"
#include "alphahill/cluster/rank_pool.hpp"

namespace alphahill {

struct PlannedLayer {
  std::int64_t number;  ///< from 1
  LayerShape shape;
  int team_size = 1;
  bool alone = false;  ///< never one of several that a rank gets at once
};

struct Plan {
  std::vector<PlannedLayer> layers;  ///< what remains to be computed, longest first
};

/// What is known of a layer before a run.
enum class LayerState {
  waiting,
  suspect,   ///< to be computed, and was under way when an earlier run went down
  finished,  ///< or left out
};

/// Plans the layers that can be analysed and are not yet finished, one rank each.
Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings, const CostModel& cost,
               const std::function<LayerState(std::int64_t layer)>& state);

/// Bytes of memory that each rank of a team needs for the layer, besides the program.
std::int64_t bytes_needed(const LayerShape& shape, int team_size);

/// The smallest team, or single rank, whose ranks have the memory for the layer; nothing where none has.
std::optional<int> smallest_team(const LayerShape& shape, const BlockLayout& ranks,
                                 std::int64_t memory_per_rank);

/// Gives a team to each layer that one rank has not the memory for, and to layers that would end after
/// everything else, such that the last rank is done as early as possible. Layers of a few seconds stay with
/// one rank, as do those that one rank has the memory for where teams would gain next to nothing.
/// @param memory_per_rank  bytes, besides the program; enough for every layer on some team
Plan with_teams(const Plan& plan, const CostModel& cost, const BlockLayout& ranks,
                std::int64_t memory_per_rank);

}  // namespace alphahill
