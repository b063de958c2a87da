#include "spectrum/backends/device/device_survey.hpp"

#include <algorithm>

namespace alphahill {

namespace {

BlockSurvey layout_of(const WeightShape& shape, const CastSurvey* survey) {
  BlockSurvey layout{};
  layout.rows = shape.rows;
  layout.cols = shape.cols;
  if (survey == nullptr) return layout;
  for (const PrecisionCast& cast : survey->casts())
    layout.formats[layout.precisions++] = cast.precision().element;
  return layout;
}

/// All groups together, in their order.
SurveySums sum_of_groups(const std::vector<SurveySums>& groups) {
  SurveySums total{};
  auto* sums = reinterpret_cast<double*>(&total);
  for (const SurveySums& group : groups) {
    const auto* more = reinterpret_cast<const double*>(&group);
    for (int i = 0; i < survey_values; ++i) sums[i] = combined(i, sums[i], more[i]);
  }
  return total;
}

}  // namespace

DeviceSurvey::DeviceSurvey(DeviceQueue& queue, const WeightShape& shape, const CastSurvey* survey)
    : layout_(layout_of(shape, survey)),
      groups_(queue, survey_groups),
      row_sums_(queue, pairs() * shape.rows),
      col_sums_(queue, pairs() * column_parts * shape.cols) {}

BlockSurvey DeviceSurvey::at(const PanelPlace& place) const {
  BlockSurvey block = layout_;
  block.groups = groups_.get();
  block.row_sums = row_sums_.get();
  block.col_sums = col_sums_.get();
  block.row = place.row;
  block.col = place.col;
  return block;
}

DeviceSurvey::Found DeviceSurvey::found() const {
  const SurveySums sums = sum_of_groups(groups_.downloaded());
  if (precisions() == 0) return {sums.chain_squares, std::nullopt};
  return {sums.chain_squares, totals(sums)};
}

SurveyTotals DeviceSurvey::totals(const SurveySums& sums) const {
  SurveyTotals totals{sums.stored_squares, {}, {}};
  for (int p = 0; p < precisions(); ++p) {
    totals.casts.push_back({.squares = sums.squares[p],
                            .squared_errors = sums.squared_errors[p],
                            .nonfinite = sums.nonfinite[p],
                            .zeroed = sums.zeroed[p],
                            .largest_error = sums.largest_errors[p]});
  }
  const std::vector<double> row_sums = row_sums_.downloaded();
  const std::vector<double> col_sums = col_sums_.downloaded();
  for (int pair = 0; pair < pairs(); ++pair) {
    DifferenceSums& difference = totals.differences.emplace_back();
    difference.differing_bits = static_cast<std::int64_t>(sums.differing_bits[pair]);
    difference.differing = static_cast<std::int64_t>(sums.differing[pair]);
    const auto first_row = row_sums.begin() + pair * layout_.rows;
    difference.row_sums.assign(first_row, first_row + layout_.rows);
    difference.col_sums.resize(static_cast<std::size_t>(layout_.cols));
    auto part = col_sums.begin() + pair * column_parts * layout_.cols;
    for (int i = 0; i < column_parts; ++i) {
      for (double& sum : difference.col_sums) sum += *part++;
    }
  }
  return totals;
}

std::int64_t DeviceSurvey::most_bytes(const WeightShape& shape) {
  return survey_groups * static_cast<std::int64_t>(sizeof(SurveySums)) +
         most_pairs * (shape.rows + column_parts * shape.cols) * 8;
}

}  // namespace alphahill
