/// A worker: computes the layers that the coordinator assigns, one after another, until there are no more. A
/// rank has one, or with a GPU several side by side, one a lane.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "alphahill/runtime/messages.hpp"

namespace alphahill {

/// A worker's line to the coordinator.
struct CoordinatorLine {
  std::function<Assignment()> receive;  ///< waits for the next assignment
  std::function<void(Report)> send;
};

/// Computes layers, or this rank's part in the only one where the team is larger than one.
struct ComputeLayers {
  /// Adds the records of those that are finished, before it throws what ends the run too.
  std::function<void(std::span<const std::int64_t> layers, int team_size, std::vector<LayerRecord>& records)>
      compute;
  std::size_t most_at_once = 1;
};

/// Works until there are no more layers. What layers throw is reported, and the rest of the assignment
/// left; nothing escapes but what the line throws.
void work(const ComputeLayers& layers, int rank, const CoordinatorLine& line);

}  // namespace alphahill
