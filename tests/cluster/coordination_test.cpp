/// The coordinator and its workers over real MPI, with layers that take no time: run on several numbers of
/// ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "alphahill/cluster/coordinator.hpp"

namespace alphahill {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

MpiSession* mpi = nullptr;

const AnalysisSettings settings{Format::fp32, {Format::fp32}, 0.1, 0};

Catalog catalog_of(std::int64_t layers) {
  Catalog catalog{"folder", "00", {}, {}};
  for (std::int64_t i = 1; i <= layers; ++i) {
    Layer layer;
    layer.name = "layer " + std::to_string(i);
    layer.rows = layer.cols = layer.out_features = layer.in_features = i;
    catalog.layers.push_back(layer);
  }
  return catalog;
}

/// What a worker does with a layer; the rank in the record says who did it.
using Compute = std::function<Report(std::int64_t layer)>;

Report finished(std::int64_t layer) {
  Report report;
  report.record.layer = layer;
  report.record.results.resize(1);
  report.record.results[0].rank = mpi->rank();
  return report;
}

void work_with(const Compute& compute, const CoordinatorLine& line) {
  for (auto next = line.receive(); next.layer != Assignment::no_more; next = line.receive()) {
    line.send(compute(next.layer));
  }
}

struct Outcome {
  std::vector<std::int64_t> begun;
  std::vector<std::int64_t> kept;  ///< layers in the order in which their records were kept
  RunEnd end;
};

struct Conditions {
  std::function<bool()> stop_requested = [] { return false; };
  std::function<void()> before_keeping = [] {};
  ScheduleLimits limits = {};
  double grace_seconds = 60;
};

/// Runs a plan of this many layers on all ranks; the outcome is rank 0's.
Outcome run(std::int64_t layers, const Compute& compute, const Conditions& conditions = {}) {
  if (mpi->rank() != 0) {
    work_with(compute, line_to_rank_0(*mpi));
    return {};
  }
  Outcome outcome;
  const Catalog catalog = catalog_of(layers);
  const Plan plan = make_plan(catalog, settings, [](std::int64_t) { return false; });
  Crew crew(*mpi, [&](const CoordinatorLine& line) { work_with(compute, line); });
  const RunBooks books{.begun = [&](std::int64_t layer) { outcome.begun.push_back(layer); },
                       .finished =
                           [&](std::span<const LayerRecord> records) {
                             conditions.before_keeping();
                             for (const LayerRecord& record : records) outcome.kept.push_back(record.layer);
                           },
                       .stop_requested = conditions.stop_requested};
  const Schedule schedule(plan, 1e9, conditions.limits);
  outcome.end = Coordinator(catalog, schedule, plan.flops, crew, books, conditions.grace_seconds).run();
  return outcome;
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

TEST(Coordination, AFailureOnAnyRankEndsAllAndKeepsWhatIsFinished) {
  const int failing = mpi->size() - 1;
  const Outcome outcome = run(200, [&](std::int64_t layer) {
    if (mpi->rank() != failing) return finished(layer);
    Report report;
    report.run_failed = true;
    report.fault = Fault::input;
    report.where = "model.safetensors";
    report.reason = "the file ends early";
    return report;
  });
  if (mpi->rank() != 0) return;
  ASSERT_TRUE(outcome.end.failure);
  EXPECT_STREQ(outcome.end.failure->what(), "model.safetensors: the file ends early");
  EXPECT_EQ(outcome.end.failure->fault(), Fault::input);
  EXPECT_LT(outcome.kept.size(), 200U);
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

TEST(Coordination, AnInterruptionFinishesWhatIsUnderWay) {
  bool interrupted = false;
  const Outcome outcome =
      run(500, finished,
          {.stop_requested = [&] { return interrupted; }, .before_keeping = [&] { interrupted = true; }});
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  EXPECT_GE(outcome.kept.size(), 1U);
  EXPECT_LT(outcome.kept.size(), 500U);
}

TEST(Coordination, EveryLayerIsEnteredAsBegunBeforeItIsComputed) {
  const Outcome outcome = run(30, finished);
  if (mpi->rank() != 0) return;
  std::vector<std::int64_t> longest_first = all(30);
  std::ranges::reverse(longest_first);
  EXPECT_THAT(outcome.begun, ElementsAreArray(longest_first));
}

TEST(Coordination, WhenTheJobEndsSoonNothingIsHandedOut) {
  const Outcome outcome = run(30, finished, {.limits = {.layer_timeout = {}, .end_of_job = 0}});
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  EXPECT_THAT(outcome.begun, IsEmpty());
}

/// A compute function that hangs on its last layer (number 1) until told to go on.
class HangsOnTheLastLayer {
 public:
  Report operator()(std::int64_t layer) const {
    while (layer == 1 && !go_on_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return finished(layer);
  }
  static void go_on() { go_on_ = true; }

 private:
  static inline std::atomic<bool> go_on_ = false;
};

TEST(Coordination, ALayerPastItsDeadlineIsNamedAndAbandoned) {
  if (mpi->size() > 1) GTEST_SKIP() << "a hanging rank of its own could not be told to go on";
  const Catalog catalog = catalog_of(5);
  const Plan plan = make_plan(catalog, settings, [](std::int64_t) { return false; });
  Crew crew(*mpi, [&](const CoordinatorLine& line) { work_with(HangsOnTheLastLayer(), line); });
  const RunBooks books{[](std::int64_t) {}, [](std::span<const LayerRecord>) {}, [] { return false; }};
  const Schedule schedule(plan, 1e9, {.layer_timeout = 0.2, .end_of_job = {}});
  const RunEnd end = Coordinator(catalog, schedule, plan.flops, crew, books, 0.1).run();
  HangsOnTheLastLayer::go_on();
  ASSERT_TRUE(end.failure);
  EXPECT_THAT(end.failure->what(),
              testing::MatchesRegex("rank 0: layer 1 is not done after 0\\..s \\(--layer-timeout\\)"));
  EXPECT_EQ(end.overdue, 1);
  EXPECT_THAT(end.abandoned, testing::ElementsAre(1));
}

TEST(Coordination, LargeRecordsArriveWhole) {
  const Outcome outcome = run(5, [](std::int64_t layer) {
    Report report = finished(layer);
    report.record.eigenvalues.assign(100'000, static_cast<double>(layer));
    return report;
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
  alphahill::MpiSession session(argc, argv);
  alphahill::mpi = &session;
  testing::InitGoogleTest(&argc, argv);
  if (session.rank() != 0)
    delete testing::UnitTest::GetInstance()->listeners().Release(
        testing::UnitTest::GetInstance()->listeners().default_result_printer());
  return RUN_ALL_TESTS();
}
