/// The schedule at a thousand ranks, on simulated time.
#include <gtest/gtest.h>

#include "alphahill/schedule/prediction.hpp"
#include "simulation/model_run.hpp"

namespace alphahill {
namespace {

constexpr int ranks = 1024;

void expect_efficient(const ModelRun& model, double speed_spread, double least) {
  for (const double latency : {1e-6, 10e-6, 50e-6}) {
    const SimulatedRun run =
        model.simulate(ranks, {.speed_spread = speed_spread, .latency_seconds = latency});
    EXPECT_EQ(run.finished.size(), model.catalog().layers.size());
    EXPECT_GE(model.efficiency(run), least) << "latency " << latency;
    EXPECT_LT(run.coordinator_seconds, 0.9 * run.seconds) << "the coordinator has time to spare";
  }
}

TEST(Scaling, Llama405bIsEfficientOnAThousandRanks) {
  const ModelRun model(llama_405b());
  ASSERT_EQ(model.catalog().layers.size(), 883U);
  expect_efficient(model, 0, 0.9);
  expect_efficient(model, 0.2, 0.85);
}

TEST(Scaling, DeepSeekV3IsEfficientOnAThousandRanksOfDifferentSpeed) {
  const ModelRun model(deepseek_v3());
  ASSERT_GT(model.catalog().layers.size(), 45'000U);
  expect_efficient(model, 0.2, 0.95);
}

double efficiency_of_equal_ranks(const ModelRun& model, int count) {
  return model.efficiency(model.simulate(count, {.speed_spread = 0}));
}

TEST(Scaling, ModelsOfAFewHundredLayersAreEfficientOnAsManyRanks) {
  const ModelRun small(llama_8b());
  ASSERT_EQ(small.catalog().layers.size(), 225U);
  EXPECT_GE(efficiency_of_equal_ranks(small, 128), 0.85) << "layers of 2 seconds get teams towards the end";
  const ModelRun large(llama_70b());
  ASSERT_EQ(large.catalog().layers.size(), 561U);
  EXPECT_GE(efficiency_of_equal_ranks(large, 256), 0.9);
}

TEST(Scaling, AHeadThatTakesLongerThanTheRestIsShared) {
  constexpr int count = 256;
  const ModelRun model(mixed());
  ASSERT_EQ(model.catalog().layers.size(), 597U);
  EXPECT_GE(efficiency_of_equal_ranks(model, count), 0.85);
  const Prediction prediction =
      predict(model.plan(std::vector<double>(count, 1)), model.cost(), any_teams(count));
  EXPECT_GE(prediction.team_sizes.at(597), 32);
}

TEST(Scaling, ACostModelThatIsWrongCostsNextToNothing) {
  const ModelRun model(llama_405b());
  for (const double usual_speed : {0.6, 0.8, 1.3}) {
    const SimulatedRun run = model.simulate(256, {.usual_speed = usual_speed});
    EXPECT_GE(model.efficiency(run), 0.95) << usual_speed;
  }
}

TEST(Scaling, ALostRankCostsTheRunningLayersAndNoMore) {
  const ModelRun model(deepseek_v3());
  const double undisturbed = model.simulate(ranks, {}).seconds;
  const SimulatedRun before = model.simulate(ranks, {.ends_at = undisturbed / 2});
  const SimulatedRun after =
      simulate(model.plan(speeds_of(ranks, {.seed = 2}), before.finished, before.running), model.cost(),
               any_teams(ranks), {.seed = 2});
  std::set<std::int64_t> finished = before.finished;
  finished.insert(after.finished.begin(), after.finished.end());
  EXPECT_EQ(finished.size(), model.catalog().layers.size());
  EXPECT_EQ(before.finished.size() + after.finished.size(), finished.size()) << "nothing is computed twice";
  EXPECT_LT(before.seconds + after.seconds, 1.8 * undisturbed);
}

TEST(Scaling, LayersOfEqualSpeedEndWhenPredicted) {
  const ModelRun model(llama_405b());
  const Prediction prediction =
      predict(model.plan(std::vector<double>(ranks, 1)), model.cost(), any_teams(ranks));
  const SimulatedRun run = model.simulate(ranks, {.speed_spread = 0});
  EXPECT_NEAR(run.seconds / prediction.seconds, 1, 0.02);
}

}  // namespace
}  // namespace alphahill
