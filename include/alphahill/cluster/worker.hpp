/// A worker: computes the layers that the coordinator assigns, one after another, until there are no more. A
/// rank has one, or with a GPU several side by side, one a lane.
#pragma once

#include <functional>

#include "alphahill/cluster/messages.hpp"

namespace alphahill {

/// A worker's line to the coordinator.
struct CoordinatorLine {
  std::function<Assignment()> receive;  ///< waits for the next assignment
  std::function<void(Report)> send;
};

/// Computes a layer, or this rank's part in it where the team is larger than one.
using ComputeLayer = std::function<LayerRecord(std::int64_t layer, int team_size)>;

/// Works until there are no more layers. What a layer throws is reported, and the rest of the assignment
/// left; nothing escapes but what the line throws.
void work(const ComputeLayer& compute, int rank, const CoordinatorLine& line);

}  // namespace alphahill
