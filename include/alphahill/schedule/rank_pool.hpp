/// The free ranks of a run, and the aligned blocks of them that can make a team.
///
///   blocks of size s, a power of two:  ranks [first + k s, first + (k + 1) s), k = 0, 1, ...
///   of size 1:                         every rank, the last one first: teams fill the ranks from below
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace alphahill {

/// A number of consecutive ranks.
struct RankBlock {
  int first;
  int size;

  int end() const { return first + size; }
  bool has(int rank) const { return rank >= first && rank < end(); }
};

/// Which blocks there are.
struct BlockLayout {
  int ranks;
  int first;         ///< lowest rank of the first block of each size but 1
  int largest_size;  ///< of a block

  /// 2, 4, 8, ... as far as there is a block of that size.
  std::vector<int> team_sizes() const;
  /// `least`, a size of blocks, and all team sizes above.
  std::vector<int> sizes_from(int least) const;
  int blocks(int size) const { return size == 1 ? ranks : (ranks - first) / size; }
  RankBlock block(int size, int index) const {
    return {size == 1 ? ranks - 1 - index : first + index * size, size};
  }
  /// The block that the rank belongs to; nothing where it is left over.
  std::optional<int> block_of(int rank, int size) const;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.ranks, self.first, self.largest_size);
  }
};

/// Of ranks that work together: that of the slowest.
/// @param speeds  of all ranks, against what the cost model says; empty: all are 1
double speed_of(RankBlock block, std::span<const double> speeds);
/// Of all ranks together.
double total_speed(const BlockLayout& layout, std::span<const double> speeds);

class RankPool {
 public:
  /// All ranks are free.
  /// @param speeds  of the ranks, against what the cost model says; empty: all are 1
  RankPool(const BlockLayout& layout, const std::vector<double>& speeds);

  const BlockLayout& layout() const { return layout_; }
  /// Of all ranks together.
  double speed() const { return speed_; }
  /// Of a team: that of its slowest rank.
  /// @param block  one of the layout's
  double speed(RankBlock block) const;
  bool is_free(int rank) const { return free_[static_cast<std::size_t>(rank)]; }
  bool are_free(RankBlock block) const;
  /// But for those that are held.
  bool none_free() const { return blocks_.at(1).free.empty(); }
  /// Of the free blocks, without those that are held, the slowest that is fast enough, the first of several.
  std::optional<RankBlock> slowest_free(int size, double least_speed) const;
  void take(RankBlock block);
  void release(int rank);

  /// Keeps a block's ranks, now or when they become free, from being found.
  void hold(RankBlock block);
  void release_held();
  bool holds_any_of(RankBlock block) const {
    return held_ && held_->first < block.end() && block.first < held_->end();
  }
  bool all_held_are_free() const { return held_ && are_free(*held_); }

 private:
  struct Blocks {
    std::vector<double> speeds;             ///< of each block
    std::vector<int> free_ranks;            ///< of each block
    std::set<std::pair<double, int>> free;  ///< speeds and indices
  };
  void count(int rank, int change);
  void count_free(RankBlock block, int change);

  BlockLayout layout_;
  double speed_;
  std::vector<bool> free_;
  std::map<int, Blocks> blocks_;  ///< by size
  std::optional<RankBlock> held_;
};

}  // namespace alphahill
