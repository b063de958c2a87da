/// How far two casts of a layer are apart: a certified bound on the 2-norm of their difference E, from the
/// sums of |E| by row and by column, taken while the weights stream by.
///
/// |E|_2 <= sqrt(|E|_1 |E|_inf), the largest column sum times the largest row sum (Golub and Van Loan, Matrix
/// Computations, section 2.3.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/spectrum/panel_place.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// Differences E of two casts over a whole matrix, as sums.
struct DifferenceSums {
  std::int64_t differing_bits = 0;
  std::int64_t differing = 0;    ///< where E is not 0
  std::vector<double> row_sums;  ///< of |E|
  std::vector<double> col_sums;
};

class CastDifference {
 public:
  /// @param rows, cols  of the matrix
  CastDifference(std::int64_t rows, std::int64_t cols) : rows_(rows), cols_(cols) {}

  /// Adds the same weights in both casts; they begin `first` weights into the panel.
  /// @return are their bits equal?
  bool add(std::span<const float> one, std::span<const float> other, const PanelPlace& panel,
           std::int64_t first) {
    return add_values(one, other, panel, first);
  }
  bool add(std::span<const double> one, std::span<const double> other, const PanelPlace& panel,
           std::int64_t first) {
    return add_values(one, other, panel, first);
  }

  /// Merges the differences of all weights at once.
  void merge(DifferenceSums sums);

  /// What members of a team have seen of the same matrix, to be added up: are the bits different, and where
  /// E is not 0.
  using Counts = std::array<double, 2>;
  Counts counts() const { return {equal_bits() ? 0.0 : 1.0, static_cast<double>(differing_)}; }
  /// Merges the counts of all members, and makes room for their sums.
  void merge(const Counts& of_all);
  /// Merges the sums of the other members, once their counts are in; collective.
  void sum_over(Team& team);

  bool equal_bits() const { return row_sums_.empty(); }
  /// A bound on |E|_2, rounding of the sums included. Infinite where a difference is NaN or Inf, and where so
  /// many weights of the matrix differ that no tolerance in use would let them pass: then the sums are not
  /// taken to the end.
  double norm_bound() const;

 private:
  template <class Value>
  bool add_values(std::span<const Value> one, std::span<const Value> other, const PanelPlace& panel,
                  std::int64_t first);
  template <class Value>
  void add_to_row(std::span<const Value> one, std::span<const Value> other, std::int64_t row,
                  std::int64_t col);
  /// Do so many differ that the sums are not taken any more?
  bool dense() const;

  std::int64_t rows_;
  std::int64_t cols_;
  std::int64_t differing_ = 0;
  std::vector<double> row_sums_;  ///< empty until a difference is seen
  std::vector<double> col_sums_;
};

}  // namespace alphahill
