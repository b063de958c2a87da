/// What a run has to do: the work of each layer, longest first, and what it needs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/spectrum/analysis.hpp"

namespace alphahill {

/// Flops of a layer: for each decomposition, m n^2 for the Gram matrix and 4/3 n^3 for its reduction, n the
/// smaller side. Golub and Van Loan, Matrix Computations, section 8.3.
double flops(const Layer& layer, const AnalysisSettings& settings);

/// Bytes to read: the layer once for each decomposition.
double bytes_to_read(const Layer& layer, const AnalysisSettings& settings);

/// Bytes of memory that a rank needs for the layer, besides the program.
std::int64_t bytes_needed(const Layer& layer);

struct PlannedLayer {
  std::int64_t number;  ///< from 1
  double flops;
};

struct Plan {
  std::vector<PlannedLayer> layers;  ///< what remains to be computed, longest first
  double flops = 0;                  ///< of all of them
  double bytes = 0;                  ///< to read for all of them
  std::int64_t peak_bytes = 0;       ///< what the largest layer needs in memory
};

/// Plans the layers that can be analysed and are not yet finished.
Plan make_plan(const Catalog& catalog, const AnalysisSettings& settings,
               const std::function<bool(std::int64_t layer)>& finished);

/// Seconds until the last of `ranks` equally fast ranks is done, when each takes the next layer as it becomes
/// free.
double predicted_seconds(const Plan& plan, int ranks, double flops_per_second);

}  // namespace alphahill
