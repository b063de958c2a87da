#include "alphahill/schedule/rank_pool.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

namespace alphahill {

std::vector<int> BlockLayout::team_sizes() const {
  std::vector<int> sizes;
  for (int size = 2; size <= largest_size && size <= ranks - first; size *= 2) sizes.push_back(size);
  return sizes;
}

std::vector<int> BlockLayout::sizes_from(int least) const {
  std::vector<int> sizes{least};
  std::ranges::copy_if(team_sizes(), std::back_inserter(sizes), [&](int size) { return size > least; });
  return sizes;
}

std::optional<int> BlockLayout::block_of(int rank, int size) const {
  if (size == 1) return ranks - 1 - rank;
  const int index = (rank - first) / size;
  if (rank < first || index >= blocks(size)) return std::nullopt;
  return index;
}

double speed_of(RankBlock block, std::span<const double> speeds) {
  if (speeds.empty()) return 1;
  const auto first = speeds.begin() + block.first;
  return *std::min_element(first, first + block.size);
}

double total_speed(const BlockLayout& layout, std::span<const double> speeds) {
  return speeds.empty() ? layout.ranks : std::accumulate(speeds.begin(), speeds.end(), 0.0);
}

RankPool::RankPool(const BlockLayout& layout, const std::vector<double>& speeds)
    : layout_(layout),
      speed_(total_speed(layout, speeds)),
      free_(static_cast<std::size_t>(layout.ranks), true) {
  for (const int size : layout.sizes_from(1)) {
    Blocks& blocks = blocks_[size];
    blocks.free_ranks.resize(static_cast<std::size_t>(layout.blocks(size)));
    for (int index = 0; index < layout.blocks(size); ++index) {
      blocks.speeds.push_back(speed_of(layout.block(size, index), speeds));
    }
  }
  for (int rank = 0; rank < layout.ranks; ++rank) count(rank, 1);
}

double RankPool::speed(RankBlock block) const {
  const int index = *layout_.block_of(block.first, block.size);
  return blocks_.at(block.size).speeds[static_cast<std::size_t>(index)];
}

bool RankPool::are_free(RankBlock block) const {
  const auto first = free_.begin() + block.first;
  return std::all_of(first, first + block.size, std::identity());
}

std::optional<RankBlock> RankPool::slowest_free(int size, double least_speed) const {
  const auto& free = blocks_.at(size).free;
  const auto found = free.lower_bound({least_speed, 0});
  if (found == free.end()) return std::nullopt;
  return layout_.block(size, found->second);
}

void RankPool::count(int rank, int change) {
  for (auto& [size, blocks] : blocks_) {
    const std::optional<int> index = layout_.block_of(rank, size);
    if (!index) continue;
    const auto at = static_cast<std::size_t>(*index);
    int& free = blocks.free_ranks[at];
    const std::pair key{blocks.speeds[at], *index};
    if (free == size) blocks.free.erase(key);
    free += change;
    if (free == size) blocks.free.insert(key);
  }
}

void RankPool::take(RankBlock block) {
  for (int rank = block.first; rank < block.end(); ++rank) {
    free_[static_cast<std::size_t>(rank)] = false;
    count(rank, -1);
  }
}

void RankPool::release(int rank) {
  free_[static_cast<std::size_t>(rank)] = true;
  if (!held_ || !held_->has(rank)) count(rank, 1);
}

void RankPool::count_free(RankBlock block, int change) {
  for (int rank = block.first; rank < block.end(); ++rank) {
    if (is_free(rank)) count(rank, change);
  }
}

void RankPool::hold(RankBlock block) {
  held_ = block;
  count_free(block, -1);
}

void RankPool::release_held() {
  if (held_) count_free(*held_, 1);
  held_.reset();
}

}  // namespace alphahill
