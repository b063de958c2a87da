/// Speeds of real ranks, some of whose probes fail: run on several numbers of ranks.
#include "alphahill/runtime/rank_speeds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "runtime/mpi_test_main.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

MpiSession* mpi = nullptr;

constexpr const char* taken_for_equal = "ranks of unknown speed are taken to be as fast as rank 0";

TEST(RankSpeeds, AreAgainstTheFirstRankAndNearlyEqualOnesAreEqual) {
  EXPECT_THAT(relative_speeds(std::array{2.0, 2.09, 1.91, 1.0, 4.0}), ElementsAre(1, 1, 1, 2, 0.5));
  EXPECT_THAT(relative_speeds({}), IsEmpty());
}

TEST(RankSpeeds, WhatCannotBeComparedIsEqual) {
  for (const double nonsense : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    EXPECT_THAT(relative_speeds(std::array{2.0, nonsense, 1.0}), ElementsAre(1, 1, 2)) << nonsense;
    EXPECT_THAT(relative_speeds(std::array{nonsense, nonsense, 1.0}), Each(1)) << nonsense;
  }
  EXPECT_THAT(relative_speeds(std::array{1e300, 1e-300}), Each(1)) << "infinitely fast";
}

TEST(RankSpeeds, AreMeasuredOnAllRanks) {
  const CapturedLog log;
  const auto speeds = measured_speeds(*mpi, [] { return 1.0 + mpi->rank(); });
  EXPECT_EQ(log.text(), "");
  ASSERT_EQ(speeds.size(), mpi->rank() == 0 ? static_cast<std::size_t>(mpi->size()) : 0U);
  for (std::size_t rank = 0; rank < speeds.size(); ++rank) {
    EXPECT_EQ(speeds[rank], 1 / (1.0 + static_cast<double>(rank)));
  }
}

/// All ranks fail from this one on.
void expect_equal_from(int first_failing, const std::function<double()>& failing, const std::string& reason) {
  const CapturedLog log;
  const bool fails = mpi->rank() >= first_failing;
  const auto speeds = measured_speeds(
      *mpi, fails ? failing : [] { return 1.0; });
  EXPECT_THAT(speeds, Each(1));
  EXPECT_EQ(speeds.size(), mpi->rank() == 0 ? static_cast<std::size_t>(mpi->size()) : 0U);
  const std::string warning = "warning: the speed of rank " + std::to_string(first_failing) +
                              " is not measured (" + reason + "); " + taken_for_equal + "\n";
  EXPECT_EQ(log.text(), mpi->rank() == first_failing ? warning : "") << "one warning of all ranks";
}

TEST(RankSpeeds, RanksWhoseProbeFailsAreTakenToBeAsFastAsRank0) {
  for (const int first : {0, mpi->size() - 1}) {
    expect_equal_from(
        first, []() -> double { throw std::runtime_error("no clock"); }, "no clock");
  }
}

TEST(RankSpeeds, RanksWhoseProbeGivesNoPositiveTimeAreTakenToBeAsFastAsRank0) {
  for (const int first : {0, mpi->size() - 1}) {
    for (const auto& [seconds, text] : {std::pair{0.0, "0.000000"}, {-2.0, "-2.000000"}, {HUGE_VAL, "inf"}}) {
      expect_equal_from(
          first, [result = seconds] { return result; },
          std::string("seconds of the speed probe: expected a positive number, found ") + text);
    }
  }
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  return alphahill::run_tests_on_all_ranks(argc, argv, alphahill::mpi);
}
