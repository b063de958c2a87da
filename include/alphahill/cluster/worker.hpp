/// A worker: computes the layers that the coordinator assigns until there are no more, one after another or,
/// with a GPU, several side by side.
#pragma once

#include <functional>
#include <vector>

#include "alphahill/cluster/messages.hpp"

namespace alphahill {

/// A worker's line to the coordinator.
struct CoordinatorLine {
  std::function<Assignment()> receive;  ///< waits for the next assignment
  std::function<void(const Report&)> send;
};

/// Computes a layer, or this rank's part in it where the team is larger than one.
using ComputeLayer = std::function<LayerRecord(std::int64_t layer, int team_size)>;

/// Works until there are no more layers. What a layer throws is reported, and the rest of the assignment
/// left; nothing escapes but what the line throws.
///
/// @param lanes  one or more; each computes one layer at a time, in the calling thread where it is the only
/// one,
///               else in whatever thread
void work(const std::vector<ComputeLayer>& lanes, int rank, const CoordinatorLine& line);

}  // namespace alphahill
