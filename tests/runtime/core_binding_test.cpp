#include "alphahill/runtime/core_binding.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

Cores cores(std::initializer_list<std::size_t> numbers) {
  Cores set;
  for (const std::size_t number : numbers) set.set(number);
  return set;
}

std::vector<RankBinding> node_of(const std::vector<Cores>& masks, int first_rank = 0) {
  std::vector<RankBinding> bindings;
  for (const Cores& mask : masks) bindings.push_back({first_rank, mask});
  return bindings;
}

TEST(CoreBinding, RanksOnCoresOfTheirOwnAreNotCrowded) {
  EXPECT_TRUE(oversubscribed_nodes(node_of({cores({0}), cores({1})}), 1).empty());
  EXPECT_TRUE(
      oversubscribed_nodes(node_of({cores({0, 1, 2}), cores({0, 1, 2}), cores({0, 1, 2})}), 1).empty());
}

TEST(CoreBinding, RanksBoundToOneCoreShareItWhateverOthersAreFree) {
  const auto crowded = oversubscribed_nodes(node_of({cores({0}), cores({0}), cores({0, 1, 2, 3})}), 1);
  ASSERT_EQ(crowded.size(), 1U);
  EXPECT_EQ(crowded[0].threads, 3);
  EXPECT_EQ(crowded[0].cores, 2);
}

TEST(CoreBinding, ARankMovesAsideForOneThatHasNoOtherCore) {
  EXPECT_TRUE(
      oversubscribed_nodes(node_of({cores({0, 1}), cores({0, 2}), cores({0}), cores({2, 3})}), 1).empty());
}

TEST(CoreBinding, EveryThreadWantsACore) {
  EXPECT_TRUE(oversubscribed_nodes(node_of({cores({0, 1}), cores({2, 3})}), 2).empty());
  const auto crowded = oversubscribed_nodes(node_of({cores({0, 1, 2}), cores({1, 2})}), 2);
  ASSERT_EQ(crowded.size(), 1U);
  EXPECT_EQ(crowded[0].cores, 3);
}

TEST(CoreBinding, EachNodeIsJudgedByItselfAndTheWorstComesFirst) {
  auto bindings = node_of({cores({0, 1}), cores({0, 1}), cores({0, 1})});
  for (const RankBinding& binding : node_of({cores({0}), cores({0})}, 3)) bindings.push_back(binding);
  for (const RankBinding& binding : node_of({cores({0}), cores({1})}, 5)) bindings.push_back(binding);
  const auto crowded = oversubscribed_nodes(bindings, 1);
  ASSERT_EQ(crowded.size(), 2U);
  EXPECT_EQ(crowded[0].first_rank, 3);
  EXPECT_EQ(crowded[1].first_rank, 0);
}

TEST(CoreBinding, ARankOfUnknownCoresIsLeftOut) {
  EXPECT_TRUE(oversubscribed_nodes(node_of({cores({}), cores({0})}), 1).empty());
}

}  // namespace
}  // namespace alphahill
