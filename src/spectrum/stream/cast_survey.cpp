#include "alphahill/spectrum/cast_survey.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "alphahill/base/vector_level.hpp"
#include "spectrum/stream/cast_terms.hpp"

namespace alphahill {

namespace {

using Lanes = std::array<double, 16>;

double total(const Lanes& lanes) {
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

template <class Value>
double count_of_nonfinite(const Value* cast_values, std::size_t count) {
  return static_cast<double>(
      std::count_if(cast_values, cast_values + count, [](Value value) { return !std::isfinite(value); }));
}

/// In interleaved lanes: as fast as the vector units allow, and in an order that no compiler changes. Sums of
/// such sums are off by the number of blocks times eps at most.
template <class Value>
[[gnu::always_inline]] inline CastSums sums_of(const Value* cast_values, const double* stored,
                                               std::size_t count) {
  Lanes squares{};
  Lanes squared_errors{};
  Lanes zeroed{};
  Lanes largest{};
  const auto add = [&](std::size_t i, std::size_t lane) ALPHAHILL_INLINE {
    const CastTerms terms = cast_terms(cast_values[i], stored[i]);
    squares[lane] += terms.square;
    squared_errors[lane] += terms.squared_error;
    zeroed[lane] += terms.zeroed;
    largest[lane] = largest[lane] < terms.error ? terms.error : largest[lane];
  };
  std::size_t i = 0;
  for (; i + squares.size() <= count; i += squares.size()) {
    for (std::size_t lane = 0; lane < squares.size(); ++lane) add(i + lane, lane);
  }
  for (; i < count; ++i) add(i, 0);
  const double sum = total(squares);
  return {.squares = sum,
          .squared_errors = total(squared_errors),
          .nonfinite = std::isfinite(sum) ? 0 : count_of_nonfinite(cast_values, count),
          .zeroed = total(zeroed),
          .largest_error = *std::ranges::max_element(largest)};
}

[[gnu::always_inline]] inline double squares_of(const double* stored, std::size_t count) {
  Lanes squares{};
  std::size_t i = 0;
  for (; i + squares.size() <= count; i += squares.size()) {
    for (std::size_t lane = 0; lane < squares.size(); ++lane)
      squares[lane] += stored[i + lane] * stored[i + lane];
  }
  for (; i < count; ++i) squares[0] += stored[i] * stored[i];
  return total(squares);
}

}  // namespace

CastSurvey::CastSurvey(const std::vector<Precision>& precisions, std::size_t compared,
                       const WeightShape& shape)
    : weights_(shape.rows * shape.cols), tallies_(precisions.size()) {
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    casts_.emplace_back(precisions[p], shape);
    tallies_[p].differences.assign(p < compared ? p : 0, {shape.rows, shape.cols});
  }
}

template <class Value>
void CastSurvey::add_block(std::span<const double> stored, std::span<const Value> loaded,
                           const PanelPlace& panel, std::int64_t first) {
  count_ += static_cast<std::int64_t>(stored.size());
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    auto& block = std::get<std::vector<Value>>(tallies_[p].block);
    block.resize(loaded.size());
    tallies_[p].sums.clipped += static_cast<double>(casts_[p].cast(loaded, panel, first, block));
  }
  for (std::size_t offset = 0; offset < stored.size(); offset += chunk) {
    add_chunk<Value>(stored.subspan(offset, std::min(chunk, stored.size() - offset)), offset, panel,
                     first + static_cast<std::int64_t>(offset));
  }
}

template <class Value>
void CastSurvey::add_chunk(std::span<const double> stored, std::size_t offset, const PanelPlace& panel,
                           std::int64_t first) {
  const auto cast_of = [&](Tally& tally) {
    return std::span<const Value>(std::get<std::vector<Value>>(tally.block)).subspan(offset, stored.size());
  };
  vectorised([values = stored.data(), count = stored.size(), sum = &stored_squares_]()
                 ALPHAHILL_INLINE { *sum += squares_of(values, count); });
  for (Tally& tally : tallies_) {
    const std::span<const Value> cast_values = cast_of(tally);
    bool known = false;
    for (std::size_t q = 0; q < tally.differences.size(); ++q) {
      const bool equal = tally.differences[q].add(cast_of(tallies_[q]), cast_values, panel, first);
      if (equal && !known) tally.chunk_sums = tallies_[q].chunk_sums;
      known = known || equal;
    }
    if (!known) {
      vectorised([mine = cast_values.data(), values = stored.data(), count = stored.size(),
                  sums = &tally.chunk_sums]() ALPHAHILL_INLINE { *sums = sums_of(mine, values, count); });
    }
    tally.sums += tally.chunk_sums;
  }
}

template void CastSurvey::add_block(std::span<const double>, std::span<const float>, const PanelPlace&,
                                    std::int64_t);
template void CastSurvey::add_block(std::span<const double>, std::span<const double>, const PanelPlace&,
                                    std::int64_t);

void CastSurvey::merge(SurveyTotals totals) {
  count_ = weights_;
  stored_squares_ = totals.stored_squares;
  auto difference = totals.differences.begin();
  for (std::size_t p = 0; p < tallies_.size(); ++p) {
    tallies_[p].sums = totals.casts[p];
    for (CastDifference& mine : tallies_[p].differences) mine.merge(std::move(*difference++));
  }
}

std::vector<double> CastSurvey::sums() {
  std::vector<double> sums{stored_squares_, static_cast<double>(count_)};
  for (Tally& tally : tallies_) {
    for (const double* sum : tally.sums.sums()) sums.push_back(*sum);
    for (const CastDifference& difference : tally.differences) {
      const CastDifference::Counts counts = difference.counts();
      sums.insert(sums.end(), counts.begin(), counts.end());
    }
  }
  return sums;
}

void CastSurvey::merge(std::span<const double> sums_of_team) {
  auto next = sums_of_team.begin();
  stored_squares_ = *next++;
  count_ = static_cast<std::int64_t>(*next++);
  for (Tally& tally : tallies_) {
    for (double* sum : tally.sums.sums()) *sum = *next++;
    for (CastDifference& difference : tally.differences) {
      CastDifference::Counts counts;
      for (double& count : counts) count = *next++;
      difference.merge(counts);
    }
  }
}

void CastSurvey::maximum_over(Team& team) {
  std::vector<double> largest;
  do_together(team, [&] {
    for (const Tally& tally : tallies_) largest.push_back(tally.sums.largest_error);
  });
  team.maximum(largest);
  for (std::size_t p = 0; p < tallies_.size(); ++p) tallies_[p].sums.largest_error = largest[p];
}

void CastSurvey::sum_over(Team& team) {
  std::vector<double> of_all;
  do_together(team, [&] { of_all = sums(); });
  team.sum(of_all);
  do_together(team, [&] { merge(of_all); });
  maximum_over(team);
  for (Tally& tally : tallies_) {
    for (CastDifference& difference : tally.differences) difference.sum_over(team);
  }
}

double CastSurvey::relative_error(std::size_t precision) const {
  const double error = std::sqrt(tallies_[precision].sums.squared_errors);
  return error == 0 ? 0 : error / std::sqrt(stored_squares_);
}

}  // namespace alphahill
