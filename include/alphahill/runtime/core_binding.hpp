/// Which cores the ranks of a run may use, and whether each thread can have one of its own.
#pragma once

#include <bitset>
#include <span>
#include <vector>

namespace alphahill {

/// Cores of a node, by the number that the system gives them.
using Cores = std::bitset<1024>;

struct RankBinding {
  int node;  ///< the lowest rank on the rank's node
  Cores cores;
};

/// A node with more threads than cores for them.
struct OversubscribedNode {
  int first_rank;
  int threads;
  int cores;  ///< threads that can have a core of their own at a time

  double slowdown() const { return static_cast<double>(threads) / cores; }
};

/// The nodes whose ranks cannot have a core for each of their threads, the worst first. Masks may overlap in
/// part: threads and cores are matched (Hopcroft and Karp's problem, by augmenting paths). A rank of unknown
/// cores is left out.
/// @param bindings  one a rank
std::vector<OversubscribedNode> oversubscribed_nodes(std::span<const RankBinding> bindings,
                                                     int threads_per_rank);

}  // namespace alphahill
