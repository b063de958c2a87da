/// A large model as a run sees it: the catalog of a checkpoint without weights, usual settings, usual rates.
#pragma once

#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "simulation/large_models.hpp"
#include "simulation/simulated_run.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {

class ModelRun {
 public:
  explicit ModelRun(const LargeModel& model);

  const Catalog& catalog() const { return catalog_; }
  const CostModel& cost() const { return cost_; }
  /// Seconds of one rank of usual speed.
  double work() const;
  /// @param speeds  of the ranks
  Plan plan(std::vector<double> speeds, const std::set<std::int64_t>& finished = {},
            const std::set<std::int64_t>& suspects = {}) const;
  SimulatedRun simulate(int ranks, const Conditions& conditions) const;
  /// The work of one rank after another, of what all ranks had time for at their speeds.
  double efficiency(const SimulatedRun& run) const { return work() / (run.speed * run.seconds); }

 private:
  TemporaryFolder folder_;
  Catalog catalog_;
  CostModel cost_;
};

/// All the ranks, in teams of any size.
BlockLayout any_teams(int ranks);

}  // namespace alphahill
