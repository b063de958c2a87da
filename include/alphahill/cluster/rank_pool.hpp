/// The free ranks of a run, and the aligned blocks of them that can make a team.
///
///   blocks of size s, a power of two:  ranks [first + k s, first + (k + 1) s), k = 0, 1, ...
#pragma once

#include <map>
#include <optional>
#include <set>
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
  int first;         ///< lowest rank of the first block of each size
  int largest_size;  ///< of a block

  /// 2, 4, 8, ... as far as there is a block of that size.
  std::vector<int> team_sizes() const;
  int blocks(int size) const { return (ranks - first) / size; }
  RankBlock block(int size, int index) const { return {first + index * size, size}; }
  /// The block that the rank belongs to; nothing where it is left over.
  std::optional<int> block_of(int rank, int size) const;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.ranks, self.first, self.largest_size);
  }
};

class RankPool {
 public:
  /// All ranks are free.
  explicit RankPool(BlockLayout layout);

  const BlockLayout& layout() const { return layout_; }
  const std::set<int>& free() const { return free_; }
  void take(RankBlock block);
  void release(int rank);
  /// @param block  one of the layout's
  bool is_free(RankBlock block) const;
  /// The first block whose ranks are all free and that has none in common with `reserved`.
  std::optional<RankBlock> free_block(int size, std::optional<RankBlock> reserved) const;

 private:
  struct Blocks {
    std::vector<int> free_ranks;  ///< of each block
    std::set<int> free_blocks;
  };
  void count(int rank, int change);

  BlockLayout layout_;
  std::set<int> free_;
  std::map<int, Blocks> blocks_;  ///< by size
};

}  // namespace alphahill
