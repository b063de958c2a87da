#include "report/moves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "alphahill/results/view.hpp"
#include "report/plots/scales.hpp"

namespace alphahill {

double Move::change() const {
  return relative_change(to, from);
}

void keep_farther(Move& farthest, const Move& move) {
  if (std::abs(move.change()) > std::abs(farthest.change())) farthest = move;
}

void sort_by_distance(std::vector<Move>& moves) {
  std::ranges::stable_sort(moves, std::greater{}, [](const Move& move) { return std::abs(move.change()); });
}

std::string alphas_text(const Move& move) {
  return fmt::format("{} -> {}", alpha_text(move.from, 6), alpha_text(move.to, 6));
}

}  // namespace alphahill
