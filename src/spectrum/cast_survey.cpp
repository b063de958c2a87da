#include "alphahill/spectrum/cast_survey.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "alphahill/numeric/cast.hpp"

namespace alphahill {

CastSurvey::CastSurvey(std::vector<Format> precisions)
    : precisions_(std::move(precisions)), tallies_(precisions_.size()) {
  for (std::size_t p = 0; p < tallies_.size(); ++p) tallies_[p].may_equal.assign(p, true);
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

void CastSurvey::add(std::span<const double> stored, std::span<const float> loaded) {
  count_ += static_cast<std::int64_t>(stored.size());
  add_terms(stored_squares_, stored.size(), [&](std::size_t i) { return stored[i] * stored[i]; });
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    Tally& tally = tallies_[p];
    tally.block.resize(loaded.size());
    cast(precisions_[p], loaded, tally.block);
    tally.add(stored);
    for (std::size_t q = 0; q < p; ++q) {
      if (!tally.may_equal[q]) continue;
      tally.may_equal[q] =
          std::memcmp(tally.block.data(), tallies_[q].block.data(), loaded.size_bytes()) == 0;
    }
  }
}

std::size_t CastSurvey::first_equal(std::size_t precision) const {
  const auto& may_equal = tallies_[precision].may_equal;
  const auto found = std::ranges::find(may_equal, true);
  return static_cast<std::size_t>(found - may_equal.begin());
}

double CastSurvey::relative_error(std::size_t precision) const {
  const double error = std::sqrt(total(tallies_[precision].squared_errors));
  return error == 0 ? 0 : error / std::sqrt(total(stored_squares_));
}

}  // namespace alphahill
