/// What one member of a team holds of a symmetric matrix: block columns, dealt out in turn.
///
///   A (order n, column-major, lower triangle)      member of block column j: j mod team size
///   one member: one block column, all of A         each column is stored in full height
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/spectrum/team.hpp"

namespace alphahill {

class SymmetricShare {
 public:
  /// Width of the block columns that a team deals out.
  static constexpr std::int64_t block_cols = 192;

  SymmetricShare(std::int64_t order, const Team& team);

  std::int64_t order() const { return order_; }
  int member_of(std::int64_t col) const { return static_cast<int>(col / width_ % members_); }
  bool holds(std::int64_t col) const { return member_of(col) == member_; }
  /// Entry (row, col) of a column that this member holds; the column goes on behind it.
  double* at(std::int64_t row, std::int64_t col) {
    return values_.data() + local(col) * leading_dimension_ + row;
  }
  const double* at(std::int64_t row, std::int64_t col) const {
    return values_.data() + local(col) * leading_dimension_ + row;
  }
  std::int64_t leading_dimension() const { return leading_dimension_; }

  /// Calls use(col, cols) for this member's block columns, what is left of them from column `first` on.
  template <class Use>
  void for_each_block(std::int64_t first, Use use) const {
    for (std::int64_t block = first - first % width_; block < order_; block += width_) {
      if (!holds(block)) continue;
      const std::int64_t col = std::max(block, first);
      use(col, std::min(block + width_, order_) - col);
    }
  }

  /// Adds panel panel^T (`transposed` false: panel is n x depth) or panel^T panel (depth x n), column-major.
  void add_gram(const double* panel, std::int64_t depth, bool transposed);

  /// A NaN or Inf weight leaves its mark on the diagonal; sums of the squares of finite fp32 values cannot overflow
  /// fp64, those of weights that are loaded as fp64 may.
  bool finite_diagonal() const;
  /// This member's part of |A|_F^2.
  double squared_norm() const;
  /// This member's part of x^T A x, for x of n entries.
  double quadratic_form(std::span<const double> x) const;
  /// This member's part of the trace.
  double trace() const;

  /// Subtracts V^T W + W^T V from the rows and columns from `first` on. V and W are k x n without gaps.
  void subtract_rank_2k(std::int64_t first, std::int64_t k, const double* v, const double* w);

  /// Values that a member of a team of `members` holds at most.
  static std::int64_t most_values(std::int64_t order, int members);

 private:
  std::int64_t local(std::int64_t col) const { return col / width_ / members_ * width_ + col % width_; }

  std::int64_t order_;
  std::int64_t leading_dimension_;
  std::int64_t width_;
  std::int64_t members_;
  std::int64_t member_;
  std::vector<double> values_;
};

}  // namespace alphahill
