#include "alphahill/cluster/rank_pool.hpp"

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

TEST(RankPool, ABlockIsFreeWhenAllItsRanksAre) {
  RankPool pool({8, 0, 4});
  EXPECT_EQ(pool.free_block(4, {})->first, 0);
  pool.take({2, 1});
  EXPECT_EQ(pool.free_block(4, {})->first, 4);
  EXPECT_EQ(pool.free_block(2, {})->first, 0);
  EXPECT_FALSE(pool.is_free({0, 4}));
  pool.take({4, 4});
  EXPECT_EQ(pool.free_block(4, {}), std::nullopt);
  pool.release(2);
  EXPECT_EQ(pool.free_block(4, {})->first, 0);
}

TEST(RankPool, AReservedBlockIsPassedOver) {
  const RankPool pool({8, 0, 4});
  EXPECT_EQ(pool.free_block(2, RankBlock{0, 4})->first, 4);
  EXPECT_EQ(pool.free_block(4, RankBlock{6, 2})->first, 0);
}

}  // namespace
}  // namespace alphahill
