#include "spectrum/reduce/symmetric_share.hpp"

#include <cmath>

#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

namespace {

std::int64_t block_width(std::int64_t order, int members) {
  return members == 1 ? std::max<std::int64_t>(order, 1) : SymmetricShare::block_cols;
}

/// An odd number of cache lines: columns a power of two apart would evict each other from the cache.
std::int64_t padded(std::int64_t order) {
  constexpr std::int64_t line = 8;
  return ((order + line - 1) / line | 1) * line;
}

}  // namespace

std::int64_t SymmetricShare::most_values(std::int64_t order, int members) {
  const std::int64_t width = block_width(order, members);
  const std::int64_t blocks = (order + width - 1) / width;
  return (blocks + members - 1) / members * width * padded(order);
}

SymmetricShare::SymmetricShare(std::int64_t order, const Team& team)
    : order_(order),
      leading_dimension_(padded(order)),
      width_(block_width(order, team.size())),
      members_(team.size()),
      member_(team.rank()),
      values_(static_cast<std::size_t>(most_values(order, team.size()))) {}

void SymmetricShare::add_gram(const double* panel, std::int64_t depth, bool transposed) {
  const auto rows_from = [&](std::int64_t row, bool flipped) {
    return lapack::Operand{panel + row * (transposed ? depth : 1), transposed ? depth : order_,
                           transposed != flipped};
  };
  for_each_block(0, [&](std::int64_t col, std::int64_t cols) {
    const std::int64_t below = col + cols;
    lapack::add_gram(cols, depth, rows_from(col, false), {at(col, col), leading_dimension_});
    if (below == order_) return;
    lapack::multiply(order_ - below, cols, depth, 1, rows_from(below, false), rows_from(col, true), 1,
                     {at(below, col), leading_dimension_});
  });
}

bool SymmetricShare::finite_diagonal() const {
  bool finite = true;
  for_each_block(0, [&](std::int64_t col, std::int64_t cols) {
    for (std::int64_t i = col; i < col + cols; ++i) finite = finite && std::isfinite(*at(i, i));
  });
  return finite;
}

double SymmetricShare::squared_norm() const {
  double sum = 0;
  for_each_block(0, [&](std::int64_t first, std::int64_t cols) {
    for (std::int64_t col = first; col < first + cols; ++col) {
      const double below = lapack::dot(order_ - col, at(col, col), at(col, col));
      sum += 2 * below - *at(col, col) * *at(col, col);
    }
  });
  return sum;
}

double SymmetricShare::quadratic_form(std::span<const double> x) const {
  double sum = 0;
  for_each_block(0, [&](std::int64_t first, std::int64_t cols) {
    for (std::int64_t col = first; col < first + cols; ++col) {
      const double* entries = x.data() + col;
      const double below = lapack::dot(order_ - col, at(col, col), entries);
      sum += *entries * (2 * below - *at(col, col) * *entries);
    }
  });
  return sum;
}

double SymmetricShare::trace() const {
  double sum = 0;
  for_each_block(0, [&](std::int64_t first, std::int64_t cols) {
    for (std::int64_t col = first; col < first + cols; ++col) sum += *at(col, col);
  });
  return sum;
}

void SymmetricShare::subtract_rank_2k(std::int64_t first, std::int64_t k, const double* v, const double* w) {
  for_each_block(first, [&](std::int64_t col, std::int64_t cols) {
    const std::int64_t below = col + cols;
    const double* v_col = v + col * k;
    const double* w_col = w + col * k;
    lapack::subtract_rank_2k(cols, k, v_col, w_col, k, {at(col, col), leading_dimension_});
    if (below == order_) return;
    const lapack::Result rest{at(below, col), leading_dimension_};
    lapack::multiply(order_ - below, cols, k, -1, {v + below * k, k, true}, {w_col, k}, 1, rest);
    lapack::multiply(order_ - below, cols, k, -1, {w + below * k, k, true}, {v_col, k}, 1, rest);
  });
}

}  // namespace alphahill
