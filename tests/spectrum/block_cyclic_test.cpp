/// The arithmetic of a block-cyclic distribution.
#include "alphahill/spectrum/block_cyclic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace alphahill {
namespace {

TEST(BlockCyclic, TheGridIsAsNearToASquareAsTheMembersAllow) {
  const auto grid = [](int members) { return std::pair(grid_of(members).rows, grid_of(members).cols); };
  EXPECT_EQ(grid(1), std::pair(1, 1));
  EXPECT_EQ(grid(2), std::pair(1, 2));
  EXPECT_EQ(grid(3), std::pair(1, 3));
  EXPECT_EQ(grid(4), std::pair(2, 2));
  EXPECT_EQ(grid(12), std::pair(3, 4));
}

TEST(BlockCyclic, EveryIndexIsHeldByOneProcessWithoutGaps) {
  for (const std::int64_t length : {0, 1, 63, 64, 65, 128, 200, 1000}) {
    for (const int processes : {1, 2, 3}) {
      std::vector<int> holders(static_cast<std::size_t>(length));
      for (int process = 0; process < processes; ++process) {
        const DistributedSide side(length, processes, process);
        std::int64_t next = 0;
        side.for_each_held(0, length, [&](const HeldRange& range) {
          EXPECT_EQ(range.local, next);
          next += range.count;
          for (std::int64_t i = 0; i < range.count; ++i) ++holders[static_cast<std::size_t>(range.first + i)];
        });
        EXPECT_EQ(side.held(), next) << length << " " << process << " of " << processes;
      }
      EXPECT_THAT(holders, testing::Each(1));
    }
  }
}

TEST(BlockCyclic, ARangeIsCutAtItsEnds) {
  const DistributedSide side(1000, 2, 1);
  std::vector<HeldRange> ranges;
  side.for_each_held(70, 200, [&](const HeldRange& range) { ranges.push_back(range); });
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].first, 70);
  EXPECT_EQ(ranges[0].local, 6);
  EXPECT_EQ(ranges[0].count, 58);
  EXPECT_EQ(ranges[1].first, 192);
  EXPECT_EQ(ranges[1].local, 64);
  EXPECT_EQ(ranges[1].count, 8);
  side.for_each_held(70, 70, [](const HeldRange&) { ADD_FAILURE() << "an empty range"; });
}

TEST(BlockCyclic, TheBytesAreThoseOfTheMemberThatHoldsMost) {
  const std::int64_t blocks_of_first = 3 * 64 * 4 * 64 * 8;  // of 5 x 8 blocks on a grid of 2 x 2
  EXPECT_GT(block_cyclic_bytes(5 * 64, 8 * 64, 4), blocks_of_first);
  EXPECT_LT(static_cast<double>(block_cyclic_bytes(10000, 8000, 4)), 1.15 * 10000 * 8000 * 8 / 4);
}

}  // namespace
}  // namespace alphahill
