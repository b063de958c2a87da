/// What coordinator and workers say to each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/results/tables.hpp"
#include "alphahill/schedule/rank_pool.hpp"

namespace alphahill {

/// What every rank needs to know before the first layer.
struct Job {
  bool cancelled = false;  ///< rank 0 found a reason not to begin, and has reported it
  Catalog catalog;
  BlockLayout ranks{};  ///< that the plan makes teams of
  std::vector<std::int32_t> stored =
      {};  ///< precisions of each layer that need not be computed, the first ones

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.cancelled, self.catalog, self.ranks, self.stored);
  }
};

/// Coordinator to worker: layers to compute one after another; none: there are no more.
struct Assignment {
  std::vector<std::int64_t> layers;  ///< their numbers, from 1
  std::int32_t team_size = 1;        ///< more than one: a single layer, together with the others of the team
  std::int32_t lane = 0;             ///< which of the rank's workers it is for

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.layers, self.team_size, self.lane);
  }
};

/// Worker to coordinator: records of finished layers, or why the run cannot go on.
struct Report {
  /// Without results: a member's part in the layer of a team is done; the leader has the figures.
  std::vector<LayerRecord> records;
  bool run_failed = false;
  Fault fault = Fault::internal;
  std::string where;
  std::string reason;
  std::int32_t lane = 0;  ///< which of the rank's workers it is from

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.records, self.run_failed, self.fault, self.where, self.reason, self.lane);
  }
};

}  // namespace alphahill
