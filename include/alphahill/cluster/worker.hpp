/// A worker: computes the layers that the coordinator assigns, one after another, until there are no more.
#pragma once

#include <functional>
#include <memory>

#include "alphahill/cluster/messages.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

/// A worker's line to the coordinator.
struct CoordinatorLine {
  std::function<Assignment()> receive;  ///< waits for the next assignment
  std::function<void(const Report&)> send;
};

/// Works until `Assignment::no_more`. Whatever a layer, or making the backend, throws is reported; nothing
/// escapes but what the line throws.
void work(const Catalog& catalog, const AnalysisSettings& settings,
          const std::function<std::unique_ptr<Backend>()>& make_backend, int rank,
          const CoordinatorLine& line);

}  // namespace alphahill
