#include "simulation/model_run.hpp"

namespace alphahill {

namespace {

const AnalysisSettings usual_settings{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 1e-5};
/// Besides the program; as on a node of 4 GiB a core.
constexpr std::int64_t memory_per_rank = std::int64_t{3900} << 20;

Catalog header_only_catalog(const LargeModel& model, const std::filesystem::path& folder) {
  write_header_only(model, folder);
  return open_catalog(folder, "");
}

}  // namespace

BlockLayout any_teams(int ranks) {
  return {.ranks = ranks, .first = 0, .largest_size = ranks};
}

ModelRun::ModelRun(const LargeModel& model)
    : catalog_(header_only_catalog(model, folder_.path())), cost_(usual_rates()) {}

double ModelRun::work() const {
  double seconds = 0;
  for (const Layer& layer : catalog_.layers)
    seconds += cost_.seconds(shape_of(layer, usual_settings), 1).leader;
  return seconds;
}

Plan ModelRun::plan(std::vector<double> speeds, const std::set<std::int64_t>& finished,
                    const std::set<std::int64_t>& suspects) const {
  const auto ranks = static_cast<int>(speeds.size());
  Plan plan = make_plan(catalog_, usual_settings, any_teams(ranks), memory_per_rank, [&](std::int64_t layer) {
    if (finished.contains(layer)) return LayerState::finished;
    return suspects.contains(layer) ? LayerState::suspect : LayerState::waiting;
  });
  plan.speeds = std::move(speeds);
  return with_end(std::move(plan), cost_, any_teams(ranks));
}

SimulatedRun ModelRun::simulate(int ranks, const Conditions& conditions) const {
  return alphahill::simulate(plan(speeds_of(ranks, conditions)), cost_, any_teams(ranks), conditions);
}

}  // namespace alphahill
