/// The coordinator and its workers over real MPI, with layers that take no time: run on several numbers of
/// ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <numeric>

#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/runtime/coordinator.hpp"
#include "runtime/layer_by_layer.hpp"
#include "runtime/mpi_test_main.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAreArray;
using testing::Field;
using testing::IsEmpty;

MpiSession* mpi = nullptr;

const AnalysisSettings settings{ElementFormat::fp32, {ElementFormat::fp32}, 0.1, 0};

Catalog catalog_of(std::int64_t layers, std::int64_t rows) {
  Catalog catalog{"folder", "00", {}, {}};
  for (std::int64_t i = 1; i <= layers; ++i) {
    Layer layer;
    layer.name = "layer " + std::to_string(i);
    layer.layout = Plain{ElementFormat::fp32, {.rows = rows, .cols = rows + i, .row_stride = rows + i}};
    catalog.layers.push_back(layer);
  }
  return catalog;
}

LayerRecord finished(std::int64_t layer, int) {
  LayerRecord record;
  record.layer = layer;
  record.results.resize(1);
  record.results[0].rank = mpi->rank();
  return record;
}

struct Outcome {
  std::vector<std::int64_t> begun;
  std::vector<std::int64_t> kept;  ///< layers in the order in which their records were kept
  int syncs = 0;
  RunEnd end;
};

struct Conditions {
  std::function<bool()> stop_requested = [] { return false; };
  std::function<void()> before_keeping = [] {};
  ScheduleLimits limits = {};
  double grace_seconds = 60;
  int lanes = 1;
  std::int64_t rows = 8;
};

RunCallbacks callbacks_into(Outcome& outcome, const Conditions& conditions) {
  return {.write =
              [&](std::span<const LayerRecord> records, std::span<const std::int64_t> begun) {
                if (!records.empty()) conditions.before_keeping();
                for (const LayerRecord& record : records) outcome.kept.push_back(record.layer);
                outcome.begun.insert(outcome.begun.end(), begun.begin(), begun.end());
              },
          .sync = [&] { ++outcome.syncs; },
          .stop_requested = conditions.stop_requested};
}

Schedule schedule_of(const Catalog& catalog, const Conditions& conditions) {
  const CostModel cost(usual_rates());
  const BlockLayout workers{mpi->size() * conditions.lanes, 0, 1};
  const Plan plan = make_plan(catalog, settings, workers, std::numeric_limits<std::int64_t>::max(),
                              [](std::int64_t) { return LayerState::waiting; });
  return {plan, cost, workers, conditions.limits};
}

/// Runs a plan of this many layers on all ranks; the outcome is rank 0's.
Outcome run_on(std::int64_t layers, const ComputeLayers& compute, const Conditions& conditions) {
  const Work work_on = [&](const CoordinatorLine& line) { work(compute, mpi->rank(), line); };
  if (mpi->rank() != 0) {
    work_for_rank_0(*mpi, conditions.lanes, work_on);
    return {};
  }
  Outcome outcome;
  const Catalog catalog = catalog_of(layers, conditions.rows);
  WorkerPool workers(*mpi, conditions.lanes, work_on);
  outcome.end = Coordinator(catalog, schedule_of(catalog, conditions), workers,
                            callbacks_into(outcome, conditions), conditions.grace_seconds)
                    .run();
  return outcome;
}

Outcome run(std::int64_t layers, const ComputeLayer& compute, const Conditions& conditions = {}) {
  return run_on(layers, layer_by_layer(compute), conditions);
}

std::vector<std::int64_t> all(std::int64_t layers) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(layers));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

TEST(Coordination, EveryLayerIsComputedOnce) {
  for (const std::int64_t layers : {0, 1, 2, 40}) {
    Outcome outcome = run(layers, finished);
    if (mpi->rank() != 0) continue;
    EXPECT_FALSE(outcome.end.failure);
    std::ranges::sort(outcome.kept);
    EXPECT_THAT(outcome.kept, ElementsAreArray(all(layers)));
  }
}

TEST(Coordination, LanesComputeEveryLayerOnce) {
  for (const std::int64_t layers : {1, 5, 100}) {
    Outcome outcome = run(layers, finished, {.lanes = 3});
    if (mpi->rank() != 0) continue;
    EXPECT_FALSE(outcome.end.failure);
    std::ranges::sort(outcome.kept);
    EXPECT_THAT(outcome.kept, ElementsAreArray(all(layers)));
  }
}

/// While a lane of the last rank is at its first layer, the other one reports several and gets more.
TEST(Coordination, LanesDoNotWaitForEachOther) {
  using namespace std::chrono_literals;
  std::atomic<int> begun = 0;
  bool waited_in_vain = false;
  const auto compute = [&](std::int64_t layer, int) {
    if (mpi->rank() != mpi->size() - 1) {
      std::this_thread::sleep_for(20ms);
    } else if (begun++ == 0) {
      const auto end = std::chrono::steady_clock::now() + 30s;
      while (begun < 4 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
      waited_in_vain = begun < 4;
    }
    return finished(layer, 1);
  };
  constexpr std::int64_t dispatched_one_by_one = 4096;
  const Outcome outcome = run(20 * mpi->size(), compute, {.lanes = 2, .rows = dispatched_one_by_one});
  EXPECT_FALSE(waited_in_vain);
  if (mpi->rank() != 0) return;
  EXPECT_EQ(std::ssize(outcome.kept), 20 * mpi->size());
}

class CoordinationOfLanes : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Lanes, CoordinationOfLanes, testing::Values(1, 3));

TEST_P(CoordinationOfLanes, AFailureOnAnyRankEndsAllAndKeepsWhatIsFinished) {
  const int failing = mpi->size() - 1;
  const auto compute = [&](std::int64_t layer, int) {
    if (mpi->rank() == failing) throw Error(Fault::input, "model.safetensors", "the file ends early");
    return finished(layer, 1);
  };
  const Outcome outcome = run(200, compute, {.lanes = GetParam()});
  if (mpi->rank() != 0) return;
  ASSERT_TRUE(outcome.end.failure);
  EXPECT_STREQ(outcome.end.failure->what(), "model.safetensors: the file ends early");
  EXPECT_EQ(outcome.end.failure->fault(), Fault::input);
  EXPECT_LT(outcome.kept.size(), 200U);
  EXPECT_THAT(outcome.end.interrupted, Each(Field(&Attempt::event, AttemptEvent::released)));
  EXPECT_EQ(outcome.end.interrupted.size() + outcome.kept.size(), outcome.begun.size());
}

/// The last layer is dispatched first.
TEST_P(CoordinationOfLanes, OfLayersComputedAtOnceThoseBesideAFailureAreKept) {
  constexpr std::int64_t failing = 200;
  const auto compute = [&](std::span<const std::int64_t> layers, int, std::vector<LayerRecord>& records) {
    for (const std::int64_t layer : layers) {
      if (layer != failing) records.push_back(finished(layer, 1));
    }
    if (std::ranges::find(layers, failing) != layers.end()) throw Error(Fault::input, "model", "ends early");
  };
  const Outcome outcome = run_on(failing, {compute, 8}, {.lanes = GetParam()});
  if (mpi->rank() != 0) return;
  EXPECT_TRUE(outcome.end.failure);
  const auto released = [](std::int64_t layer) {
    return testing::AllOf(Field(&Attempt::layer, layer), Field(&Attempt::event, AttemptEvent::released));
  };
  EXPECT_THAT(outcome.end.interrupted, testing::Contains(released(failing)));
  EXPECT_EQ(outcome.end.interrupted.size() + outcome.kept.size(), outcome.begun.size());
  EXPECT_THAT(outcome.kept, testing::Contains(failing - 1)) << "of the same call";
}

TEST(Coordination, ManyShortLayersTakeFewSyncs) {
  const Outcome outcome = run(2000, finished);
  if (mpi->rank() != 0) return;
  EXPECT_EQ(outcome.kept.size(), 2000U);
  EXPECT_LT(outcome.syncs, 200);
}

TEST(Coordination, AFullDiskEndsAllRanksWithItsError) {
  const Outcome outcome =
      run(50, finished,
          {.before_keeping = [] { throw Error(Fault::system, "journal", "No space left on device"); }});
  if (mpi->rank() != 0) return;
  ASSERT_TRUE(outcome.end.failure);
  EXPECT_STREQ(outcome.end.failure->what(), "journal: No space left on device");
  EXPECT_THAT(outcome.kept, IsEmpty());
}

TEST(Coordination, AnInterruptionFinishesWhatIsRunning) {
  bool interrupted = false;
  const Outcome outcome =
      run(20'000, finished,
          {.stop_requested = [&] { return interrupted; }, .before_keeping = [&] { interrupted = true; }});
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  EXPECT_GE(outcome.kept.size(), 1U);
  EXPECT_LT(outcome.kept.size(), 20'000U);
}

TEST(Coordination, EveryLayerIsEnteredAsBegunBeforeItIsComputed) {
  const Outcome outcome = run(30, finished);
  if (mpi->rank() != 0) return;
  std::vector<std::int64_t> longest_first = all(30);
  std::ranges::reverse(longest_first);
  EXPECT_THAT(outcome.begun, ElementsAreArray(longest_first));
}

TEST(Coordination, WhenTheJobEndsSoonNothingIsDispatched) {
  const Outcome outcome = run(30, finished, {.limits = {.layer_timeout = {}, .end_of_job = 0}});
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  EXPECT_THAT(outcome.begun, IsEmpty());
}

/// How a run of this many short layers ends when the last of them hangs.
RunEnd end_of_a_hanging_run(std::int64_t layers) {
  std::atomic<bool> go_on = false;
  const auto compute = [&](std::int64_t layer, int) {
    while (layer == 1 && !go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return finished(layer, 1);
  };
  const Conditions conditions{.limits = {.layer_timeout = 0.2, .end_of_job = {}}, .grace_seconds = 0.1};
  const Catalog catalog = catalog_of(layers, conditions.rows);
  Outcome outcome;
  WorkerPool workers(*mpi, 1, [&](const CoordinatorLine& line) { work(layer_by_layer(compute), 0, line); });
  const RunEnd end = Coordinator(catalog, schedule_of(catalog, conditions), workers,
                                 callbacks_into(outcome, conditions), conditions.grace_seconds)
                         .run();
  go_on = true;
  return end;
}

TEST(Coordination, ALayerPastItsDeadlineIsNamedAndCountsAsACrash) {
  if (mpi->size() > 1) GTEST_SKIP() << "a hanging rank of its own could not be told to go on";
  const RunEnd end = end_of_a_hanging_run(1);
  ASSERT_TRUE(end.failure);
  EXPECT_THAT(end.failure->what(),
              testing::MatchesRegex("rank 0: layer 1 is not done after 0\\..s \\(--layer-timeout\\)"));
  EXPECT_TRUE(end.ranks_compute);
  ASSERT_EQ(end.interrupted.size(), 1U);
  EXPECT_EQ(end.interrupted[0].layer, 1);
  EXPECT_EQ(end.interrupted[0].event, AttemptEvent::crash);
}

TEST(Coordination, OfSeveralLayersDispatchedTogetherNoneCountsAsACrash) {
  if (mpi->size() > 1) GTEST_SKIP() << "a hanging rank of its own could not be told to go on";
  const RunEnd end = end_of_a_hanging_run(5);
  ASSERT_TRUE(end.failure);
  EXPECT_THAT(end.failure->what(), testing::HasSubstr("layer 5 or one of 4 layers with it is not done"));
  EXPECT_THAT(end.interrupted, IsEmpty()) << "the next run hands them out one by one";
}

TEST(Coordination, LargeRecordsArriveWhole) {
  const Outcome outcome = run(5, [](std::int64_t layer, int) {
    LayerRecord record = finished(layer, 1);
    record.eigenvalues.assign(100'000, static_cast<double>(layer));
    return record;
  });
  if (mpi->rank() != 0) return;
  EXPECT_EQ(outcome.kept.size(), 5U);
}

TEST(Coordination, ABroadcastReachesEveryRank) {
  for (const std::size_t size : {0, 1, 3'000'000}) {
    std::vector<std::byte> bytes;
    if (mpi->rank() == 0) bytes.assign(size, std::byte{42});
    mpi->broadcast(bytes);
    EXPECT_THAT(bytes, ElementsAreArray(std::vector<std::byte>(size, std::byte{42})));
  }
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  return alphahill::run_tests_on_all_ranks(argc, argv, alphahill::mpi);
}
