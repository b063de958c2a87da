/// What a run has to do: its layers, and when they are to be done.
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
  int least_team = 1;  ///< ranks that have the memory for it
  bool alone = false;  ///< never one of several that a rank gets at once
};

struct Plan {
  std::vector<PlannedLayer> layers;  ///< what remains to be computed, in layer order
  std::vector<double> speeds;        ///< of the ranks, against what the cost model says; empty: all are 1
  double end_seconds = 0;            ///< when all is to be done; layers get teams where that takes them
};

/// What is known of a layer before a run.
enum class LayerState {
  waiting,
  suspect,   ///< to be computed, and was under way when an earlier run went down
  finished,  ///< or left out
};

/// The layers that can be analysed and are not yet finished.
Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings,
               const std::function<LayerState(std::int64_t layer)>& state);

/// Bytes of memory that each rank of a team needs for the layer, besides the program.
std::int64_t bytes_needed(const LayerShape& shape, int team_size);

/// The smallest team, or single rank, whose ranks have the memory for the layer; nothing where none has.
std::optional<int> smallest_team(const LayerShape& shape, const BlockLayout& ranks,
                                 std::int64_t memory_per_rank);

/// Gives each layer the smallest team that has the memory for it, and finds the earliest end that the
/// schedule can keep to. Where that search fails, the end stays as it is, and a warning says so.
/// @param memory_per_rank  bytes, besides the program; enough for every layer on some team
Plan with_end(Plan plan, const CostModel& cost, const BlockLayout& ranks, std::int64_t memory_per_rank);

}  // namespace alphahill
