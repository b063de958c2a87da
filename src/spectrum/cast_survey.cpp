#include "alphahill/spectrum/cast_survey.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "alphahill/numeric/cast.hpp"

namespace alphahill {

CastSurvey::CastSurvey(std::vector<Format> precisions, std::int64_t rows, std::int64_t cols)
    : precisions_(std::move(precisions)), tallies_(precisions_.size()) {
  for (std::size_t p = 0; p < tallies_.size(); ++p) tallies_[p].differences.assign(p, {rows, cols});
}

double CastSurvey::total(const Lanes& lanes) {
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

template <class Term>
void CastSurvey::add_terms(Lanes& lanes, std::size_t count, Term term) {
  std::size_t i = 0;
  for (; i + lanes.size() <= count; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < count; ++i) lanes[0] += term(i);
}

void CastSurvey::Tally::add(std::span<const double> stored) {
  const float* cast_values = block.data();
  add_terms(squares, stored.size(), [&](std::size_t i) {
    const double value = cast_values[i];
    return value * value;
  });
  add_terms(squared_errors, stored.size(), [&](std::size_t i) {
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
  add_terms(stored_squares_, stored.size(), [&](std::size_t i) { return stored[i] * stored[i]; });
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

double CastSurvey::relative_error(std::size_t precision) const {
  const double error = std::sqrt(total(tallies_[precision].squared_errors));
  return error == 0 ? 0 : error / std::sqrt(total(stored_squares_));
}

}  // namespace alphahill
