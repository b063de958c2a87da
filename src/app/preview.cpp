#include "alphahill/app/preview.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "alphahill/base/text.hpp"
#include "alphahill/cluster/plan.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

std::string preview(const Catalog& catalog, const AnalysisSettings& settings, int ranks) {
  const Plan plan = make_plan(catalog, settings, [](std::int64_t) { return false; });
  const double rate = measured_flops_per_second();
  const auto unsupported =
      std::ranges::count_if(catalog.layers, [](const Layer& l) { return !l.unsupported.empty(); });
  return fmt::format(
      "checkpoint  {}\n"
      "layers      {}, of which {} cannot be analysed\n"
      "to read     {}\n"
      "work        {:.3g} Gflop\n"
      "memory      {} a rank for the largest layer, about 100 MiB for the program\n"
      "time        about {} on {} rank{}, at {:.0f} Gflop/s measured on this core just now\n",
      printable(catalog.folder), catalog.layers.size(), unsupported, human_bytes(plan.bytes),
      plan.flops * 1e-9, human_bytes(static_cast<double>(plan.peak_bytes)),
      human_seconds(predicted_seconds(plan, ranks, rate)), ranks, ranks == 1 ? "" : "s", rate * 1e-9);
}

}  // namespace alphahill
