#include "alphahill/spectrum/cast_survey.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "alphahill/numeric/cast.hpp"

namespace alphahill {

namespace {

/// The sum of a block's terms, in interleaved lanes: as fast as the vector units allow, and in an order that
/// no compiler changes. Sums of such sums are off by the number of blocks times eps at most.
template <class Term>
double sum_of(std::size_t count, Term term) {
  std::array<double, 16> lanes{};
  std::size_t i = 0;
  for (; i + lanes.size() <= count; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < count; ++i) lanes[0] += term(i);
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

}  // namespace

CastSurvey::CastSurvey(std::vector<Format> precisions, std::int64_t rows, std::int64_t cols)
    : precisions_(std::move(precisions)), tallies_(precisions_.size()) {
  for (std::size_t p = 0; p < tallies_.size(); ++p) tallies_[p].differences.assign(p, {rows, cols});
}

void CastSurvey::Tally::add(std::span<const double> stored) {
  const float* cast_values = block.data();
  squares += sum_of(stored.size(), [&](std::size_t i) {
    const double value = cast_values[i];
    return value * value;
  });
  squared_errors += sum_of(stored.size(), [&](std::size_t i) {
    const double error = cast_values[i] - stored[i];
    return error * error;
  });
  for (std::size_t i = 0; i < stored.size(); ++i) {
    nonfinite += std::fabs(cast_values[i]) <= std::numeric_limits<float>::max() ? 0 : 1;
  }
}

void CastSurvey::add(std::span<const double> stored, std::span<const float> loaded, const PanelPlace& panel,
                     std::int64_t first) {
  count_ += static_cast<std::int64_t>(stored.size());
  stored_squares_ += sum_of(stored.size(), [&](std::size_t i) { return stored[i] * stored[i]; });
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    Tally& tally = tallies_[p];
    tally.block.resize(loaded.size());
    cast(precisions_[p], loaded, tally.block);
    tally.add(stored);
    for (std::size_t q = 0; q < p; ++q) {
      tally.differences[q].add(tallies_[q].block, tally.block, panel, first);
    }
  }
}

void CastSurvey::sum_over(Team& team) {
  std::vector<double> sums{stored_squares_, static_cast<double>(count_)};
  for (const Tally& tally : tallies_) {
    sums.insert(sums.end(), {tally.squares, tally.squared_errors, static_cast<double>(tally.nonfinite)});
  }
  team.sum(sums);
  stored_squares_ = sums[0];
  count_ = static_cast<std::int64_t>(sums[1]);
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    tallies_[p].squares = sums[2 + 3 * p];
    tallies_[p].squared_errors = sums[3 + 3 * p];
    tallies_[p].nonfinite = static_cast<std::int64_t>(sums[4 + 3 * p]);
    for (CastDifference& difference : tallies_[p].differences) difference.sum_over(team);
  }
}

double CastSurvey::relative_error(std::size_t precision) const {
  const double error = std::sqrt(tallies_[precision].squared_errors);
  return error == 0 ? 0 : error / std::sqrt(stored_squares_);
}

}  // namespace alphahill
