#include "alphahill/schedule/rank_pool.hpp"

#include <gmock/gmock.h>

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BlockLayout, TeamSizesArePowersOfTwoThatFit) {
  EXPECT_THAT((BlockLayout{7, 0, 64}.team_sizes()), ElementsAre(2, 4));
  EXPECT_THAT((BlockLayout{8, 0, 4}.team_sizes()), ElementsAre(2, 4));
  EXPECT_THAT((BlockLayout{8, 1, 8}.team_sizes()), ElementsAre(2, 4));
  EXPECT_THAT((BlockLayout{1, 0, 8}.team_sizes()), IsEmpty());
}

TEST(BlockLayout, ARankBelongsToOneBlockOfASizeOrIsLeftOver) {
  const BlockLayout layout{7, 0, 4};
  EXPECT_EQ(layout.block_of(3, 2), 1);
  EXPECT_EQ(layout.block_of(6, 2), std::nullopt);
  EXPECT_EQ(layout.block_of(4, 4), std::nullopt);
  const BlockLayout without_rank_0{7, 1, 4};
  EXPECT_EQ(without_rank_0.block_of(0, 2), std::nullopt);
  EXPECT_EQ(without_rank_0.block_of(6, 2), 2);
}

int first_of(const std::optional<RankBlock>& block) {
  return block ? block->first : -1;
}

TEST(RankPool, ABlockIsFreeWhenAllItsRanksAre) {
  RankPool pool({8, 0, 4}, {});
  EXPECT_EQ(first_of(pool.slowest_free(4, 1)), 0);
  pool.take({2, 1});
  EXPECT_EQ(first_of(pool.slowest_free(4, 1)), 4);
  EXPECT_EQ(first_of(pool.slowest_free(2, 1)), 0);
  pool.take({4, 4});
  EXPECT_EQ(first_of(pool.slowest_free(4, 1)), -1);
  pool.release(2);
  EXPECT_EQ(first_of(pool.slowest_free(4, 1)), 0);
}

TEST(RankPool, SingleRanksAreTakenFromAboveAndTeamsFromBelow) {
  const RankPool pool({7, 1, 2}, {});
  EXPECT_EQ(first_of(pool.slowest_free(1, 1)), 6);
  EXPECT_EQ(first_of(pool.slowest_free(2, 1)), 1);
}

TEST(RankPool, TheSlowestThatIsFastEnoughIsFound) {
  const RankPool pool({4, 0, 2}, {1, 0.9, 0.7, 1.2});
  EXPECT_DOUBLE_EQ(pool.speed(), 3.8);
  EXPECT_EQ(first_of(pool.slowest_free(1, 0)), 2);
  EXPECT_EQ(first_of(pool.slowest_free(1, 0.95)), 0);
  EXPECT_EQ(first_of(pool.slowest_free(2, 0.75)), 0) << "a team is as fast as its slowest rank";
  EXPECT_EQ(first_of(pool.slowest_free(2, 0.95)), -1);
}

TEST(RankPool, AHeldBlockIsNotFoundUntilItIsReleased) {
  RankPool pool({8, 0, 4}, {});
  pool.take({1, 1});
  pool.hold({0, 4});
  EXPECT_EQ(first_of(pool.slowest_free(2, 1)), 4);
  EXPECT_FALSE(pool.all_held_are_free());
  EXPECT_TRUE(pool.holds_any_of({2, 2}));
  EXPECT_FALSE(pool.holds_any_of({4, 1}));
  pool.release(1);
  EXPECT_TRUE(pool.all_held_are_free());
  pool.release_held();
  EXPECT_EQ(first_of(pool.slowest_free(4, 1)), 0);
}

}  // namespace
}  // namespace alphahill
