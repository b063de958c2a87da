#include "alphahill/cluster/rank_pool.hpp"

namespace alphahill {

std::vector<int> BlockLayout::team_sizes() const {
  std::vector<int> sizes;
  for (int size = 2; size <= largest_size && size <= ranks - first; size *= 2) sizes.push_back(size);
  return sizes;
}

std::optional<int> BlockLayout::block_of(int rank, int size) const {
  const int index = (rank - first) / size;
  if (rank < first || index >= blocks(size)) return std::nullopt;
  return index;
}

RankPool::RankPool(BlockLayout layout) : layout_(layout) {
  for (const int size : layout.team_sizes()) {
    blocks_[size].free_ranks.resize(static_cast<std::size_t>(layout.blocks(size)));
  }
  for (int rank = 0; rank < layout.ranks; ++rank) release(rank);
}

void RankPool::count(int rank, int change) {
  for (auto& [size, blocks] : blocks_) {
    const std::optional<int> block = layout_.block_of(rank, size);
    if (!block) continue;
    int& free = blocks.free_ranks[static_cast<std::size_t>(*block)] += change;
    if (free == size) {
      blocks.free_blocks.insert(*block);
    } else {
      blocks.free_blocks.erase(*block);
    }
  }
}

void RankPool::take(RankBlock block) {
  for (int rank = block.first; rank < block.end(); ++rank) {
    free_.erase(rank);
    count(rank, -1);
  }
}

void RankPool::release(int rank) {
  free_.insert(rank);
  count(rank, 1);
}

bool RankPool::is_free(RankBlock block) const {
  return blocks_.at(block.size).free_blocks.contains(*layout_.block_of(block.first, block.size));
}

std::optional<RankBlock> RankPool::free_block(int size, std::optional<RankBlock> reserved) const {
  for (const int index : blocks_.at(size).free_blocks) {
    const RankBlock block = layout_.block(size, index);
    if (!reserved || block.end() <= reserved->first || block.first >= reserved->end()) return block;
  }
  return std::nullopt;
}

}  // namespace alphahill
