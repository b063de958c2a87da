#include "alphahill/spectrum/precision_cast.hpp"

#include <algorithm>

#include "alphahill/formats/cast.hpp"

namespace alphahill {

namespace {

std::vector<float> rounded_to_fp32(std::span<const double> values) {
  std::vector<float> rounded(values.size());
  cast_loaded(ElementFormat::fp32, values, rounded);
  return rounded;
}

}  // namespace

PrecisionCast::PrecisionCast(const Precision& precision, const WeightShape& shape)
    : precision_(precision), shape_(shape), tensor_(precision.scaling.partners) {
  const auto [out, in] =
      shape.transposed ? std::pair(shape.cols, shape.rows) : std::pair(shape.rows, shape.cols);
  in_features_ = in;
  const ScaleGroup& group = precision.scaling.group;
  over_row_ends_ = group.over_row_ends && in % group.in != 0;
  groups_of_row_ = group.count(1, in);
  if (needs_first_pass()) observed_.resize(static_cast<std::size_t>(group.count(out, in)));
  if (group.out == ScaleGroup::all) observed_.assign(1, precision.scaling.partners);
}

bool PrecisionCast::needs_first_pass() const {
  const Scaling& scaling = precision_.scaling;
  const bool beyond_panel = shape_.wide() && scaling.group.in == ScaleGroup::all;
  return precision_.scaled() &&
         (shape_.transposed || scaling.of_tensor || scaling.group.out > 1 || over_row_ends_ || beyond_panel);
}

std::int64_t PrecisionCast::column_multiple() const {
  return precision_.scaled() && shape_.wide() && !needs_first_pass() ? precision_.scaling.group.in : 1;
}

std::size_t PrecisionCast::group_of(std::int64_t out, std::int64_t in) const {
  const ScaleGroup& group = precision_.scaling.group;
  if (over_row_ends_) return static_cast<std::size_t>((out * in_features_ + in) / group.in);
  return static_cast<std::size_t>(out / group.out * groups_of_row_ + in / group.in);
}

/// Calls use(first, count, group) for the weights of a row piece that share a scale and lie side by side along
/// in_features.
template <class Use>
void PrecisionCast::for_each_group(const RowPiece& piece, Use use) const {
  const auto end = static_cast<std::int64_t>(piece.count);
  for (std::int64_t at = 0; at < end;) {
    const std::int64_t col = piece.col + at;
    const std::int64_t place = over_row_ends_ ? piece.row * in_features_ + col : col;
    const std::int64_t width = precision_.scaling.group.in;
    const std::int64_t left = shape_.transposed ? 1 : width - place % width;
    const std::int64_t count = std::min(left, end - at);
    const std::size_t group = shape_.transposed ? group_of(col, piece.row) : group_of(piece.row, col);
    use(piece.first + static_cast<std::size_t>(at), static_cast<std::size_t>(count), group);
    at += count;
  }
}

void PrecisionCast::observe(std::span<const float> loaded, const PanelPlace& panel, std::int64_t first) {
  panel.for_each_row(first, loaded.size(), [&](const RowPiece& piece) {
    for_each_group(piece, [&](std::size_t at, std::size_t count, std::size_t group) {
      Extremes extremes;
      extremes.include(loaded.subspan(at, count));
      observed_[group].include(extremes);
      tensor_.include(extremes);
    });
  });
}

void PrecisionCast::observe(std::span<const double> loaded, const PanelPlace& panel, std::int64_t first) {
  observe(rounded_to_fp32(loaded), panel, first);
}

void PrecisionCast::combine(Team& team) {
  if (team.size() == 1 || !needs_first_pass()) return;
  std::vector<double> largest;
  do_together(team, [&] {
    for (const Extremes& extremes : observed_) {
      largest.push_back(-static_cast<double>(extremes.lowest));
      largest.push_back(extremes.highest);
    }
    largest.push_back(-static_cast<double>(tensor_.lowest));
    largest.push_back(tensor_.highest);
  });
  team.maximum(largest);
  auto next = largest.begin();
  const auto take = [&](Extremes& extremes) {
    extremes.lowest = static_cast<float>(-*next++);
    extremes.highest = static_cast<float>(*next++);
  };
  std::ranges::for_each(observed_, take);
  take(tensor_);
}

std::int64_t PrecisionCast::cast(std::span<const float> loaded, const PanelPlace& panel, std::int64_t first,
                                 std::span<float> to) const {
  std::int64_t clipped = 0;
  if (!precision_.scaled()) {
    alphahill::cast(precision_.element, loaded, to);
    return clipped;
  }
  panel.for_each_row(first, loaded.size(), [&](const RowPiece& piece) {
    for_each_group(piece, [&](std::size_t at, std::size_t count, std::size_t group) {
      const auto weights = loaded.subspan(at, count);
      ScaleInputs inputs;
      if (observed_.empty()) {
        inputs.group.include(weights);
      } else {
        inputs = {observed_[group], precision_.scaling.of_tensor ? tensor_ : Extremes{}};
      }
      clipped += precision_.scaling.cast(weights, inputs, to.subspan(at, count));
    });
  });
  return clipped;
}

std::int64_t PrecisionCast::cast(std::span<const double> loaded, const PanelPlace& panel, std::int64_t first,
                                 std::span<double> to) const {
  if (!precision_.scaled()) {
    alphahill::cast(precision_.element, loaded, to);
    return 0;
  }
  std::vector<float> values(to.size());
  const std::int64_t clipped = cast(rounded_to_fp32(loaded), panel, first, values);
  std::ranges::copy(values, to.begin());
  return clipped;
}

}  // namespace alphahill
