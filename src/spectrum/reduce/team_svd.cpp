#include "alphahill/spectrum/team_svd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/block_cyclic.hpp"
#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

namespace {

/// Rows that the members hold: more save factorizations of R. @pre order >= 1
std::int64_t least_capacity(const WeightShape& matrix) {
  const std::int64_t order = matrix.order();
  return std::min(order + (order + 3) / 4, matrix.longer_side());
}
std::int64_t most_capacity(const WeightShape& matrix) {
  return std::min(2 * matrix.order(), matrix.longer_side());
}

/// A panel is held twice in fp32 while it goes from one member to the others.
std::int64_t bytes_needed(const WeightShape& matrix, int members, std::int64_t capacity) {
  const std::int64_t exchanged = panel_depth(matrix) * matrix.order() * 8;
  return reading_bytes(matrix) + exchanged + block_cyclic_bytes(capacity, matrix.order(), members);
}

std::string too_little_memory(std::int64_t needed, int members, std::int64_t memory) {
  return fmt::format("needs {} on each of {} ranks, which have {} besides the program (--memory-per-rank)",
                     human_bytes(static_cast<double>(needed)), members,
                     human_bytes(static_cast<double>(memory)));
}

/// @throws Error(internal) where not even the least fits
std::int64_t largest_capacity(const WeightShape& matrix, int members, std::int64_t memory) {
  std::int64_t fits = least_capacity(matrix);
  const std::int64_t needed = bytes_needed(matrix, members, fits);
  if (needed > memory) {
    throw Error(Fault::internal, "distributed SVD", too_little_memory(needed, members, memory));
  }
  for (std::int64_t beyond = most_capacity(matrix) + 1; beyond - fits > 1;) {
    const std::int64_t capacity = std::midpoint(fits, beyond);
    (bytes_needed(matrix, members, capacity) <= memory ? fits : beyond) = capacity;
  }
  return fits;
}

MatrixRows rows_of(const Panel& panel, const WeightSource& matrix) {
  if (matrix.wide()) return {panel.depth, panel.values.data(), 1, panel.depth};
  return {panel.depth, panel.values.data(), matrix.order(), 1};
}

/// The rows of a layer so far: R of those that have been factored, and the rows after them.
class StreamedRows {
 public:
  StreamedRows(Team& team, std::int64_t order, std::int64_t capacity)
      : order_(order), capacity_(capacity), matrix_(team.make_matrix(capacity, order)) {}

  void append(MatrixRows rows) {
    while (rows.count > 0) {
      if (held_ == capacity_) factor();
      const std::int64_t count = std::min(rows.count, capacity_ - held_);
      matrix_->set_rows(held_, rows.first(count));
      held_ += count;
      rows = rows.from(count);
    }
  }

  Bidiagonal reduce_to_bidiagonal() && {
    // From this shape on, a QR factorization first takes fewer operations (Chan 1982; Golub and Van Loan,
    // Matrix Computations, section 8.6.3).
    if (3 * held_ > 5 * order_) factor();
    return matrix_->reduce_to_bidiagonal(held_);
  }

 private:
  void factor() {
    matrix_->factor(held_);
    held_ = order_;
  }

  std::int64_t order_;
  std::int64_t capacity_;
  std::unique_ptr<TeamMatrix> matrix_;
  std::int64_t held_ = 0;
};

Bidiagonal reduced_by_team(const WeightSource& matrix, CastChain chain, Team& team, std::int64_t capacity) {
  StreamedRows rows(team, matrix.order(), capacity);
  // Two references: std::function then allocates nothing, which could fail on one member alone.
  for_each_panel(matrix, chain, nullptr, team,
                 [&](const Panel& panel) { rows.append(rows_of(panel, matrix)); });
  return std::move(rows).reduce_to_bidiagonal();
}

std::vector<double> ascending_squares(std::vector<double> descending) {
  std::ranges::reverse(descending);
  for (double& value : descending) value *= value;
  return descending;
}

}  // namespace

std::vector<double> squared_singular_values(const WeightSource& matrix, CastChain chain, Team& team,
                                            std::int64_t memory) {
  if (team.size() == 1) return squared_singular_values(matrix, chain);
  if (matrix.order() == 0) return {};
  std::int64_t capacity = 0;
  do_together(team, [&] { capacity = largest_capacity(matrix.shape(), team.size(), memory); });
  Bidiagonal bidiagonal = reduced_by_team(matrix, chain, team, capacity);
  std::vector<double> squares;
  do_together(team, [&] {
    if (team.rank() == 0) squares = ascending_squares(lapack::singular_values(std::move(bidiagonal)));
  });
  return squares;
}

std::int64_t least_team_svd_bytes(const WeightShape& matrix, int members) {
  return matrix.order() == 0 ? 0 : bytes_needed(matrix, members, least_capacity(matrix));
}

}  // namespace alphahill
