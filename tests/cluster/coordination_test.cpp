/// The coordinator and its workers over real MPI, with layers that take no time: run on several numbers of
/// ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "alphahill/cluster/coordinator.hpp"

namespace alphahill {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

MpiSession* mpi = nullptr;

const AnalysisSettings settings{Format::fp32, {Format::fp32}, 0.1};

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
  std::vector<std::int64_t> kept;  ///< layers in the order in which their records were kept
  std::optional<Error> failure;
};

/// Runs a plan of this many layers on all ranks; the outcome is rank 0's.
Outcome run(
    std::int64_t layers, const Compute& compute,
    const std::function<bool()>& interrupted = [] { return false; },
    const std::function<void()>& before_keeping = [] {}) {
  if (mpi->rank() != 0) {
    work_with(compute, line_to_rank_0(*mpi));
    return {};
  }
  Outcome outcome;
  const Catalog catalog = catalog_of(layers);
  const Plan plan = make_plan(catalog, settings, [](std::int64_t) { return false; });
  Crew crew(*mpi, [&](const CoordinatorLine& line) { work_with(compute, line); });
  const auto keep = [&](std::span<const LayerRecord> records) {
    before_keeping();
    for (const LayerRecord& record : records) outcome.kept.push_back(record.layer);
  };
  outcome.failure = Coordinator(plan, catalog, settings, crew, keep, interrupted).run();
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
    EXPECT_FALSE(outcome.failure);
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
  ASSERT_TRUE(outcome.failure);
  EXPECT_STREQ(outcome.failure->what(), "model.safetensors: the file ends early");
  EXPECT_EQ(outcome.failure->fault(), Fault::input);
  EXPECT_LT(outcome.kept.size(), 200U);
}

TEST(Coordination, AFullDiskEndsAllRanksWithItsError) {
  const Outcome outcome = run(
      50, finished, [] { return false; },
      [] { throw Error(Fault::system, "journal", "No space left on device"); });
  if (mpi->rank() != 0) return;
  ASSERT_TRUE(outcome.failure);
  EXPECT_STREQ(outcome.failure->what(), "journal: No space left on device");
  EXPECT_THAT(outcome.kept, IsEmpty());
}

TEST(Coordination, AnInterruptionFinishesWhatIsUnderWay) {
  bool interrupted = false;
  const Outcome outcome = run(
      500, finished, [&] { return interrupted; }, [&] { interrupted = true; });
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.failure);
  EXPECT_GE(outcome.kept.size(), 1U);
  EXPECT_LT(outcome.kept.size(), 500U);
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
