#include "alphahill/cluster/schedule.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

/// Layers 1, 2, 3 of 100, 10 and 1 seconds at one flop a second.
const Plan plan{.layers = {{1, 100}, {2, 10}, {3, 1}}, .flops = 111};

TEST(Schedule, TheLongestLayerComesFirst) {
  Schedule schedule(plan, 1, {});
  EXPECT_EQ(schedule.assign(0, 0), 1);
  EXPECT_EQ(schedule.assign(1, 0), 2);
  EXPECT_EQ(schedule.assign(2, 0), 3);
  EXPECT_EQ(schedule.assign(3, 0), std::nullopt);
  EXPECT_EQ(schedule.waiting(), 0);
  EXPECT_EQ(schedule.under_way().size(), 3U);
}

TEST(Schedule, WhatCannotEndBeforeTheJobIsNotBegun) {
  Schedule schedule(plan, 1, {.layer_timeout = {}, .end_of_job = 1000});
  EXPECT_EQ(schedule.assign(0, 851), 2) << "1.5 times 100 seconds are not left";
  EXPECT_EQ(schedule.assign(1, 997), 3);
  EXPECT_EQ(schedule.waiting(), 1);
  EXPECT_EQ(schedule.assign(2, 997), std::nullopt);
}

TEST(Schedule, FinishedLayersTellTheSpeed) {
  Schedule schedule(plan, 1, {.layer_timeout = {}, .end_of_job = 1000});
  EXPECT_EQ(schedule.assign(0, 0), 1);
  EXPECT_EQ(schedule.finish(0, 10).number, 1) << "ten times as fast as expected";
  EXPECT_EQ(schedule.assign(0, 998), 2);
  EXPECT_EQ(schedule.assign(1, 999.9), std::nullopt);
}

TEST(Schedule, ADeadlineIsTheTimeoutOrAGenerousMultiple) {
  Schedule given(plan, 1, {.layer_timeout = 7, .end_of_job = {}});
  given.assign(4, 3);
  EXPECT_EQ(given.under_way().at(4).deadline, 10);
  Schedule expected(plan, 1, {});
  expected.assign(0, 3);
  expected.assign(1, 3);
  EXPECT_EQ(expected.under_way().at(0).deadline, 3 + 50 * 100);
  EXPECT_EQ(expected.under_way().at(1).deadline, 3 + 600);
}

}  // namespace
}  // namespace alphahill
