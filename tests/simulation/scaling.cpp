/// alpha-hill-scaling: simulated runs of large models on 1 to 4,096 ranks, as a table and a picture.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "alphahill/base/logging.hpp"
#include "simulation/model_run.hpp"
#include "simulation/scaling_chart.hpp"

namespace alphahill {

namespace {

constexpr int most_ranks = 4096;

void print_row(int ranks, const SimulatedRun& run, double of_equal_ranks, double of_different_ranks) {
  fmt::print("{:>6} {:>10.1f} {:>8.3f} {:>8.3f} {:>16.0f} {:>14.2f} {:>10.3f}\n", ranks, run.seconds,
             of_equal_ranks, of_different_ranks, run.most_messages_a_second,
             run.most_journal_bytes_a_second / 1e6, run.coordinator_seconds / run.seconds);
}

ScalingCurve curve_of(const LargeModel& large_model) {
  const ModelRun model(large_model);
  fmt::print("\n{}: {} layers; efficiency of equal ranks, and of nodes whose speeds differ by 20%\n",
             large_model.name, model.catalog().layers.size());
  fmt::print("{:>6} {:>10} {:>8} {:>8} {:>16} {:>14} {:>10}\n", "ranks", "seconds", "equal", "20%",
             "most messages/s", "journal MB/s", "rank 0");
  ScalingCurve curve{large_model.name, {}};
  std::setbuf(stdout, nullptr);
  for (int ranks = 1; ranks <= most_ranks; ranks *= 2) {
    const SimulatedRun equal = model.simulate(ranks, {.speed_spread = 0});
    const SimulatedRun different = model.simulate(ranks, {});
    print_row(ranks, equal, model.efficiency(equal), model.efficiency(different));
    curve.points.push_back({ranks, equal.seconds, model.efficiency(equal), model.efficiency(different)});
  }
  return curve;
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  using namespace alphahill;
  start_logging("WARNING", 0);
  const std::vector<ScalingCurve> curves{curve_of(llama_405b()), curve_of(deepseek_v3()),
                                         curve_of(kimi_k2())};
  if (argc == 2) std::ofstream(argv[1], std::ios::binary) << scaling_chart(curves).file(PlotFormat::png);
}
