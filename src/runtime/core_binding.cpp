#include "alphahill/runtime/core_binding.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace alphahill {

namespace {

/// Threads of ranks, each with a core of its own as far as the masks allow.
class CoreMatching {
 public:
  explicit CoreMatching(const std::vector<Cores>& masks) : masks_(masks), rank_of_core_(Cores().size()) {}

  /// Gives one more thread of the rank a core, moving others where it must.
  bool place(std::size_t rank) {
    tried_.reset();
    return place_or_move(rank);
  }

 private:
  bool place_or_move(std::size_t rank) {
    if (const Cores free = masks_[rank] & ~taken_; free.any()) {
      taken_.set(free._Find_first());
      rank_of_core_[free._Find_first()] = rank;
      return true;
    }
    for (Cores left = masks_[rank] & ~tried_; left.any(); left = masks_[rank] & ~tried_) {
      const std::size_t core = left._Find_first();
      tried_.set(core);
      if (!place_or_move(rank_of_core_[core])) continue;
      rank_of_core_[core] = rank;
      return true;
    }
    return false;
  }

  const std::vector<Cores>& masks_;
  Cores taken_;
  std::vector<std::size_t> rank_of_core_;
  Cores tried_;
};

int cores_for(const std::vector<Cores>& masks, int threads_per_rank) {
  CoreMatching matching(masks);
  int placed = 0;
  for (std::size_t rank = 0; rank < masks.size(); ++rank) {
    for (int thread = 0; thread < threads_per_rank && matching.place(rank); ++thread) ++placed;
  }
  return placed;
}

}  // namespace

std::vector<OversubscribedNode> oversubscribed_nodes(std::span<const RankBinding> bindings,
                                                     int threads_per_rank) {
  std::map<int, std::vector<Cores>> nodes;
  for (const RankBinding& binding : bindings) {
    if (binding.cores.any()) nodes[binding.node].push_back(binding.cores);
  }
  std::vector<OversubscribedNode> crowded;
  for (const auto& [first_rank, masks] : nodes) {
    const int threads = threads_per_rank * static_cast<int>(masks.size());
    const int cores = cores_for(masks, threads_per_rank);
    if (cores < threads) crowded.push_back({first_rank, threads, cores});
  }
  std::ranges::stable_sort(crowded, std::greater{}, &OversubscribedNode::slowdown);
  return crowded;
}

}  // namespace alphahill
