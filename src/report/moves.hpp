/// How far alpha moves, from one precision or one run to another.
#pragma once

#include <string>
#include <vector>

namespace alphahill {

/// A layer whose alpha is another one elsewhere.
struct Move {
  std::string layer;
  std::string where;  ///< precision or run
  double from, to;

  double change() const;
};

/// Takes the one of two moves of a layer that goes farther; one that goes nowhere, or has no figure, does not.
void keep_farther(Move& farthest, const Move& move);

/// Farthest first.
void sort_by_distance(std::vector<Move>& moves);

/// "3.000000 -> 3.000180".
std::string alphas_text(const Move& move);

}  // namespace alphahill
