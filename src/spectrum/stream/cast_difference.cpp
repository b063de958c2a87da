#include "alphahill/spectrum/cast_difference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "spectrum/stream/cast_terms.hpp"

namespace alphahill {

namespace {

/// Where few values differ, nearly all pieces are equal, and compared in a fraction of the time that their
/// sums take.
template <class Value, class Use>
void for_each_differing_piece(std::span<const Value> one, std::span<const Value> other, Use use) {
  constexpr std::size_t piece = 64;
  for (std::size_t first = 0; first < one.size(); first += piece) {
    const std::size_t end = std::min(first + piece, one.size());
    if (std::memcmp(&one[first], &other[first], (end - first) * sizeof(Value)) != 0) use(first, end);
  }
}

}  // namespace

template <class Value>
bool CastDifference::add_values(std::span<const Value> one, std::span<const Value> other,
                                const PanelPlace& panel, std::int64_t first) {
  if (dense()) return false;
  if (std::memcmp(one.data(), other.data(), one.size_bytes()) == 0) return true;
  row_sums_.resize(static_cast<std::size_t>(rows_));
  col_sums_.resize(static_cast<std::size_t>(cols_));
  panel.for_each_row(first, one.size(), [&](const RowPiece& piece) {
    add_to_row(piece.of(one), piece.of(other), piece.row, piece.col);
  });
  return false;
}
template bool CastDifference::add_values(std::span<const float>, std::span<const float>, const PanelPlace&,
                                         std::int64_t);
template bool CastDifference::add_values(std::span<const double>, std::span<const double>, const PanelPlace&,
                                         std::int64_t);

void CastDifference::merge(DifferenceSums sums) {
  if (sums.differing_bits == 0) return;
  differing_ = sums.differing;
  row_sums_ = std::move(sums.row_sums);
  col_sums_ = std::move(sums.col_sums);
}

void CastDifference::merge(const Counts& of_all) {
  const auto& [members_with_different_bits, differing] = of_all;
  if (members_with_different_bits == 0) return;
  differing_ = static_cast<std::int64_t>(differing);
  row_sums_.resize(static_cast<std::size_t>(rows_));
  col_sums_.resize(static_cast<std::size_t>(cols_));
}

void CastDifference::sum_over(Team& team) {
  if (equal_bits() || dense()) return;
  team.sum(row_sums_);
  team.sum(col_sums_);
}

template <class Value>
void CastDifference::add_to_row(std::span<const Value> one, std::span<const Value> other, std::int64_t row,
                                std::int64_t col) {
  double* col_sums = col_sums_.data() + col;
  double sum = 0;
  for_each_differing_piece(one, other, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      const double difference = absolute_difference(one[i], other[i]);
      col_sums[i] += difference;
      sum += difference;
      differing_ += difference == 0 ? 0 : 1;
    }
  });
  row_sums_[static_cast<std::size_t>(row)] += sum;
}

/// The rounding of a dense cast differs nearly everywhere; values at the end of a format's range, at most one
/// in a thousand.
bool CastDifference::dense() const {
  constexpr std::int64_t telling = 4096;
  constexpr std::int64_t densest = 16;
  return differing_ > telling && differing_ > rows_ * cols_ / densest;
}

double CastDifference::norm_bound() const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (equal_bits()) return 0;
  if (dense()) return infinity;
  // std::max would pass over a NaN.
  const auto largest = [](double a, double b) { return b <= a ? a : std::isnan(b) ? infinity : b; };
  double row_sum = 0;
  double col_sum = 0;
  for (const double sum : row_sums_) row_sum = largest(row_sum, sum);
  for (const double sum : col_sums_) col_sum = largest(col_sum, sum);
  // A sum of m terms >= 0 is off by (m - 1) eps at most, each term and the root by eps/2.
  const double rounding = 1 + static_cast<double>(rows_ + cols_) * std::numeric_limits<double>::epsilon();
  return std::sqrt(row_sum * col_sum) * rounding;
}

}  // namespace alphahill
