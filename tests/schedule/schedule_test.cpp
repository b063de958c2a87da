#include "alphahill/schedule/schedule.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <array>

#include "schedule/known_costs.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::int64_t> numbers(const Dispatch& dispatch) {
  std::vector<std::int64_t> layers;
  for (const PlannedLayer& layer : dispatch.layers) layers.push_back(layer.number);
  return layers;
}

/// "rank x size: layers", one a dispatch.
std::vector<std::string> texts(const std::vector<Dispatch>& dispatches) {
  std::vector<std::string> shown;
  for (const Dispatch& dispatch : dispatches) {
    const auto& [first, size] = dispatch.ranks;
    shown.push_back(fmt::format("{}x{}: {}", first, size, fmt::join(numbers(dispatch), " ")));
  }
  return shown;
}

LayerDone layer_done(std::int64_t layer, double seconds) {
  return {layer, seconds};
}

Schedule schedule_of(const KnownCosts& known, const BlockLayout& ranks, const ScheduleLimits& limits = {}) {
  return {known.plan, known.cost, ranks, limits};
}

TEST(Schedule, TheLongestLayersComeFirst) {
  Schedule schedule = schedule_of(KnownCosts({100, 50, 20, 10}), single_ranks(3));
  EXPECT_THAT(texts(schedule.dispatch(0)), ElementsAre("2x1: 1", "1x1: 2", "0x1: 3"));
  EXPECT_THAT(schedule.dispatch(1), IsEmpty());
  EXPECT_EQ(schedule.waiting(), 1);
  schedule.finish(1, std::array{layer_done(2, 40)}, 40);
  EXPECT_THAT(texts(schedule.dispatch(40)), ElementsAre("1x1: 4"));
  EXPECT_THAT(schedule.running(), SizeIs(3));
}

TEST(Schedule, ShortLayersAreDispatchedTogetherAndFewerTowardsTheEnd) {
  Schedule schedule = schedule_of(KnownCosts(std::vector<double>(1000, 0.01)), single_ranks(1));
  std::vector<std::size_t> sizes;
  for (double now = 0;;) {
    const auto dispatches = schedule.dispatch(now);
    if (dispatches.empty()) break;
    sizes.push_back(dispatches[0].layers.size());
    std::vector<LayerDone> done;
    for (const PlannedLayer& layer : dispatches[0].layers) done.push_back({layer.number, 0.01});
    now += 0.01 * static_cast<double>(sizes.back());
    schedule.finish(0, done, now);
  }
  EXPECT_NEAR(static_cast<double>(sizes.front()), 100, 1) << "a second of work";
  EXPECT_TRUE(std::ranges::is_sorted(sizes, std::greater{}));
  EXPECT_LE(sizes.back(), 2U);
  EXPECT_LT(sizes.size(), 50U) << "dispatches for 1000 layers";
  EXPECT_EQ(schedule.waiting(), 0);
}

TEST(Schedule, ALayerThatRanWhenARunWentDownIsDispatchedAlone) {
  KnownCosts known(std::vector<double>(100, 0.01));
  known.plan.layers[2].alone = true;
  Schedule schedule = schedule_of(known, single_ranks(3));
  const auto dispatches = schedule.dispatch(0);
  ASSERT_THAT(dispatches, SizeIs(3));
  EXPECT_THAT(numbers(dispatches[0]), ElementsAre(1, 2));
  EXPECT_THAT(numbers(dispatches[1]), ElementsAre(3));
  EXPECT_THAT(numbers(dispatches[2]), SizeIs(testing::Gt(1)));
}

TEST(Schedule, WhatCannotEndBeforeTheJobIsNotBegun) {
  Schedule schedule =
      schedule_of(KnownCosts({100, 10, 1}), single_ranks(2), {.layer_timeout = {}, .end_of_job = 1000});
  EXPECT_THAT(texts(schedule.dispatch(851)), ElementsAre("1x1: 2", "0x1: 3"))
      << "1.5 times 100 seconds are not left";
  schedule.finish(0, std::array{layer_done(3, 1)}, 852);
  EXPECT_THAT(schedule.dispatch(852), IsEmpty());
  EXPECT_EQ(schedule.waiting(), 1);
}

TEST(Schedule, FinishedLayersTellTheTime) {
  KnownCosts known({100, 100});
  known.plan.layers[1].shape = known.plan.layers[0].shape;
  Schedule schedule = schedule_of(known, single_ranks(1));
  EXPECT_DOUBLE_EQ(schedule.planned_work(), 200);
  schedule.dispatch(0);
  EXPECT_DOUBLE_EQ(schedule.seconds_left(0), 200);
  EXPECT_DOUBLE_EQ(schedule.finish(0, std::array{layer_done(1, 50)}, 50), 100)
      << "its work as it was planned";
  EXPECT_DOUBLE_EQ(schedule.seconds_left(50), 75) << "the mean of 100, known before, and 50";
}

TEST(Schedule, TimeLeftIsThatOfTheLongestLayerAtLeast) {
  Schedule schedule = schedule_of(KnownCosts({100, 10, 10}), single_ranks(3));
  schedule.dispatch(0);
  EXPECT_DOUBLE_EQ(schedule.seconds_left(30), 70);
}

TEST(Schedule, ADeadlineIsTheTimeoutOrAGenerousMultiple) {
  Schedule given = schedule_of(KnownCosts({100, 1}), single_ranks(2), {.layer_timeout = 7, .end_of_job = {}});
  given.dispatch(3);
  EXPECT_EQ(given.running().at(0).deadline, 10);
  Schedule expected = schedule_of(KnownCosts({100, 1}), single_ranks(2));
  expected.dispatch(3);
  EXPECT_DOUBLE_EQ(expected.running().at(1).deadline, 3 + 50 * 100);
  EXPECT_DOUBLE_EQ(expected.running().at(0).deadline, 3 + 600);
}

TEST(Schedule, WhatIsReportedOfABatchRenewsTheDeadlineOfTheRest) {
  KnownCosts known(std::vector<double>(100, 0.02));
  Schedule schedule = schedule_of(known, single_ranks(1), {.layer_timeout = 7, .end_of_job = {}});
  const auto layers = numbers(schedule.dispatch(0).at(0));
  schedule.finish(0, std::array{layer_done(layers[0], 0.02)}, 5);
  EXPECT_THAT(schedule.dispatch(5), IsEmpty()) << "the rank has the others still";
  EXPECT_EQ(schedule.running().at(0).begun, 5);
  EXPECT_GT(schedule.running().at(0).deadline, 12);
}

TEST(Schedule, ALayerOfALostRankGoesToNoOther) {
  Schedule schedule = schedule_of(KnownCosts({100}), single_ranks(2));
  schedule.dispatch(0);
  schedule.mark_lost(1);
  EXPECT_THAT(schedule.running(), IsEmpty());
  EXPECT_THAT(schedule.dispatch(1), IsEmpty());
}

/// Ranks of speed 1 and 0.5.
TEST(Schedule, ALayerGoesToTheSlowestRankThatEndsItInTime) {
  KnownCosts known({20, 14, 2});
  known.plan.speeds = {1, 0.5};
  known.plan.end_seconds = 30;
  Schedule schedule = schedule_of(known, single_ranks(2));
  EXPECT_THAT(texts(schedule.dispatch(0)), ElementsAre("0x1: 1", "1x1: 2"));
  schedule.finish(0, std::array{layer_done(1, 20)}, 20);
  EXPECT_THAT(texts(schedule.dispatch(20)), ElementsAre("0x1: 3"));
}

/// Ranks of speed 1 and 0.25.
TEST(Schedule, ALayerThatARankIsHeldForIsNotGivenToASlowerOne) {
  KnownCosts known({10, 9});
  known.plan.speeds = {1, 0.25};
  known.plan.end_seconds = 20;
  Schedule schedule = schedule_of(known, single_ranks(2));
  EXPECT_THAT(texts(schedule.dispatch(0)), ElementsAre("0x1: 1"));
  EXPECT_THAT(schedule.dispatch(1), IsEmpty()) << "rank 0 ends it at 19, rank 1 at 37";
  schedule.finish(0, std::array{layer_done(1, 10)}, 10);
  EXPECT_THAT(texts(schedule.dispatch(10)), ElementsAre("0x1: 2"));
}

/// Four ranks in blocks of two; one layer for a team of two, then single ones.
class ScheduleOfTeams : public testing::Test {
 protected:
  static KnownCosts known(const std::vector<std::pair<double, int>>& layers) {
    KnownCosts known({});
    for (const auto& [seconds, size] : layers) known.add(seconds, size);
    return known;
  }
  const BlockLayout ranks_{4, 0, 2};
};

TEST_F(ScheduleOfTeams, ATeamTakesABlockFromBelowAndSingleRanksFillTheRest) {
  Schedule schedule = schedule_of(known({{100, 2}, {90, 1}, {80, 1}, {70, 1}}), ranks_);
  EXPECT_THAT(texts(schedule.dispatch(0)), ElementsAre("0x2: 1", "3x1: 2", "2x1: 3"));
}

TEST_F(ScheduleOfTeams, AMemberIsFreeAsSoonAsItsPartIsDoneAndTheLeaderWhenAllAre) {
  Schedule schedule = schedule_of(known({{100, 2}, {90, 1}, {80, 1}, {70, 1}, {60, 1}}), ranks_);
  schedule.dispatch(0);
  schedule.finish(1, std::array{layer_done(1, 0)}, 80);
  EXPECT_THAT(texts(schedule.dispatch(80)), ElementsAre("1x1: 4"));
  schedule.finish(0, std::array{layer_done(1, 100)}, 100);
  EXPECT_THAT(texts(schedule.dispatch(100)), ElementsAre("0x1: 5"));
}

TEST_F(ScheduleOfTeams, ALeaderThatIsDoneFirstWaitsForItsMembers) {
  Schedule schedule = schedule_of(known({{100, 2}, {90, 1}, {80, 1}, {70, 1}}), ranks_);
  schedule.dispatch(0);
  schedule.finish(0, std::array{layer_done(1, 100)}, 100);
  EXPECT_THAT(schedule.dispatch(100), IsEmpty());
  schedule.finish(1, std::array{layer_done(1, 0)}, 101);
  EXPECT_FALSE(schedule.running().contains(0));
}

TEST_F(ScheduleOfTeams, ABlockIsHeldForALongLayerAndItsRanksWait) {
  Schedule schedule = schedule_of(known({{100, 1}, {90, 1}, {50, 1}, {30, 1}, {29, 2}, {15, 1}}), ranks_);
  ASSERT_THAT(texts(schedule.dispatch(0)), ElementsAre("3x1: 1", "2x1: 2", "1x1: 3", "0x1: 4"));
  schedule.finish(0, std::array{layer_done(4, 30)}, 30);
  EXPECT_THAT(schedule.dispatch(30), IsEmpty()) << "ranks 0 and 1 are expected to be free at 50";
  schedule.finish(1, std::array{layer_done(3, 50)}, 50);
  EXPECT_THAT(texts(schedule.dispatch(50)), ElementsAre("0x2: 5"));
}

TEST_F(ScheduleOfTeams, ALateBlockIsLeftForOneThatIsFreeEarlier) {
  Schedule schedule = schedule_of(known({{57, 1}, {55, 1}, {50, 1}, {30, 1}, {29, 2}}), ranks_);
  ASSERT_THAT(texts(schedule.dispatch(0)), ElementsAre("3x1: 1", "2x1: 2", "1x1: 3", "0x1: 4"));
  schedule.finish(0, std::array{layer_done(4, 30)}, 30);
  EXPECT_THAT(schedule.dispatch(30), IsEmpty()) << "ranks 0 and 1 are expected to be free at 50";
  schedule.finish(2, std::array{layer_done(2, 55)}, 55);
  EXPECT_THAT(schedule.dispatch(55), IsEmpty()) << "rank 1 is late";
  schedule.finish(3, std::array{layer_done(1, 57)}, 57);
  EXPECT_THAT(texts(schedule.dispatch(57)), ElementsAre("2x2: 5"));
}

TEST_F(ScheduleOfTeams, ABlockThatIsExpectedToBeFreeByNowIsStillBusy) {
  const KnownCosts layers = known({{20, 1}, {20, 1}, {15, 1}, {8, 1}, {7, 2}, {6, 2}});
  Schedule schedule = schedule_of(layers, {5, 0, 2});
  ASSERT_THAT(texts(schedule.dispatch(0)), ElementsAre("4x1: 1", "3x1: 2", "2x1: 3", "1x1: 4"));
  schedule.finish(1, std::array{layer_done(4, 8)}, 8);
  ASSERT_THAT(texts(schedule.dispatch(8)), ElementsAre("0x2: 5"));
  const double expected = 8 + layers.cost.seconds(layers.plan.layers[4].shape, 2).leader;
  schedule.finish(1, std::array{layer_done(5, 0)}, expected);
  EXPECT_THAT(schedule.dispatch(expected), IsEmpty()) << "rank 0 has not reported";
  schedule.finish(0, std::array{layer_done(5, 7)}, expected);
  EXPECT_THAT(texts(schedule.dispatch(expected)), ElementsAre("0x2: 6"));
}

TEST_F(ScheduleOfTeams, ALayerThatARankCannotEndInTimeGetsATeam) {
  KnownCosts known({60, 60, 60});
  for (const PlannedLayer& layer : known.plan.layers) known.cost.learn(layer.shape, 2, 35);
  known.plan.end_seconds = 70;
  Schedule schedule = schedule_of(known, ranks_);
  EXPECT_THAT(texts(schedule.dispatch(0)), ElementsAre("3x1: 1", "2x1: 2", "1x1: 3"));
  known.plan.end_seconds = 50;
  Schedule earlier = schedule_of(known, ranks_);
  EXPECT_THAT(texts(earlier.dispatch(0)), ElementsAre("0x2: 1", "2x2: 2"));
}

}  // namespace
}  // namespace alphahill
