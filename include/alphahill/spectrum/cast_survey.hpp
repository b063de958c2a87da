/// What the casts of a layer do to its weights, found while they stream by once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "alphahill/formats/precision.hpp"
#include "alphahill/formats/weight_source.hpp"
#include "alphahill/spectrum/cast_difference.hpp"
#include "alphahill/spectrum/precision_cast.hpp"

namespace alphahill {

/// What a cast makes of some weights.
struct CastSums {
  double squares = 0;         ///< of the cast weights
  double squared_errors = 0;  ///< of cast minus stored weights
  double nonfinite = 0;       ///< cast weights that are NaN or Inf
  double zeroed = 0;          ///< weights other than 0 that are cast to 0
  double clipped = 0;         ///< weights beyond the range, as GroupCast says it
  double largest_error = 0;   ///< the largest |cast - stored weight|; NaN is passed over

  /// What is added up, all but the largest error.
  std::array<double*, 5> sums() { return {&squares, &squared_errors, &nonfinite, &zeroed, &clipped}; }

  CastSums& operator+=(CastSums other) {
    const auto more = other.sums();
    const auto mine = sums();
    for (std::size_t i = 0; i < mine.size(); ++i) *mine[i] += *more[i];
    largest_error = std::max(largest_error, other.largest_error);
    return *this;
  }
};

/// A survey of a whole matrix, as sums.
struct SurveyTotals {
  double stored_squares = 0;
  std::vector<CastSums> casts;              ///< of each precision
  std::vector<DifferenceSums> differences;  ///< of each precision from each earlier one
};

class CastSurvey {
 public:
  /// @param compared  how many of the precisions, the first ones, are compared with each other
  CastSurvey(const std::vector<Precision>& precisions, std::size_t compared, const WeightShape& shape);
  CastSurvey(const std::vector<Precision>& precisions, const WeightShape& shape)
      : CastSurvey(precisions, precisions.size(), shape) {}

  /// Weights that are summed at a time; blocks of more are divided.
  static constexpr std::size_t chunk = 2048;

  /// The casts of each precision; what they need of a first pass over the weights must be there before `add`.
  std::span<PrecisionCast> casts() { return casts_; }

  /// Adds a block of weights that begins `first` weights into a panel.
  /// @param stored  exact values; @param loaded  the same after the load cast
  void add(std::span<const double> stored, std::span<const float> loaded, const PanelPlace& panel,
           std::int64_t first) {
    add_block(stored, loaded, panel, first);
  }
  void add(std::span<const double> stored, std::span<const double> loaded, const PanelPlace& panel,
           std::int64_t first) {
    add_block(stored, loaded, panel, first);
  }

  /// Merges the sums of all weights at once.
  void merge(SurveyTotals totals);

  /// Merges what the other members of a team have seen of the same matrix; collective.
  void sum_over(Team& team);

  std::span<const PrecisionCast> casts() const { return casts_; }
  /// How far the casts of two precisions are apart. @pre earlier < precision < compared
  const CastDifference& difference(std::size_t precision, std::size_t earlier) const {
    return tallies_[precision].differences[earlier];
  }
  /// Cast weights that are NaN or Inf.
  std::int64_t nonfinite(std::size_t precision) const {
    return static_cast<std::int64_t>(tallies_[precision].sums.nonfinite);
  }
  /// Everything that the cast makes of the weights.
  const CastSums& sums(std::size_t precision) const { return tallies_[precision].sums; }
  std::int64_t count() const { return count_; }
  /// Have all weights of the matrix been added?
  bool complete() const { return count_ == weights_; }
  /// |W_p|_F^2
  double squared_norm(std::size_t precision) const { return tallies_[precision].sums.squares; }
  /// |W_p - W|_F / |W|_F against the stored weights; 0 for zero weights, NaN where a weight is NaN or Inf.
  double relative_error(std::size_t precision) const;

 private:
  template <class Value>
  void add_block(std::span<const double> stored, std::span<const Value> loaded, const PanelPlace& panel,
                 std::int64_t first);
  /// @param offset  in the current block
  template <class Value>
  void add_chunk(std::span<const double> stored, std::size_t offset, const PanelPlace& panel,
                 std::int64_t first);
  /// What is added up over a team, but for the sums of the differences.
  std::vector<double> sums();
  void merge(std::span<const double> sums_of_team);
  /// Collective.
  void maximum_over(Team& team);

  struct Tally {
    CastSums sums{};
    CastSums chunk_sums{};  ///< of the current chunk
    /// The cast of the current block: as float, or as double where weights are loaded as fp64.
    std::tuple<std::vector<float>, std::vector<double>> block;
    std::vector<CastDifference> differences;  ///< from each earlier precision that it is compared with
  };

  std::vector<PrecisionCast> casts_;
  std::int64_t weights_;  ///< of the matrix
  std::vector<Tally> tallies_;
  double stored_squares_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace alphahill
