#include "alphahill/spectrum/precision_cast.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "alphahill/spectrum/panels.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"
#include "support/under_sanitizers.hpp"

namespace alphahill {
namespace {

/// Rounds to multiples of a quarter of the group's largest magnitude, plus that of the tensor where it is known:
/// every weight tells which weights its scale was chosen by.
std::int64_t cast_to_quarters(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to) {
  const float scale = inputs.group.largest_magnitude() / 4;
  const float tensor = std::isfinite(inputs.tensor.highest) ? inputs.tensor.largest_magnitude() : 0;
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::nearbyint(from[i] / scale) * scale + tensor;
  return 0;
}

Precision quarters(ScaleGroup group, bool tensor_scale = false) {
  return {"quarters", 3, {.group = group, .cast = cast_to_quarters, .of_tensor = tensor_scale}};
}

constexpr std::int64_t all = ScaleGroup::all;

/// The cast by definition, W [out, in] group by group.
RowMajor expected(const RowMajor& w, const Precision& precision) {
  RowMajor result = w;
  const float tensor = precision.scaling.of_tensor ? static_cast<float>(w.cwiseAbs().maxCoeff()) : 0;
  const std::int64_t height = std::min(precision.scaling.group.out, w.rows());
  const std::int64_t width = std::min(precision.scaling.group.in, w.cols());
  for (std::int64_t row = 0; row < w.rows(); row += height) {
    for (std::int64_t col = 0; col < w.cols(); col += width) {
      auto group = result.block(row, col, std::min(height, w.rows() - row), std::min(width, w.cols() - col));
      const float scale = static_cast<float>(group.cwiseAbs().maxCoeff()) / 4;
      group = group.unaryExpr([&](double weight) {
        return static_cast<double>(std::nearbyint(static_cast<float>(weight) / scale) * scale + tensor);
      });
    }
  }
  return result;
}

/// The stored matrix as panels give it, cast.
RowMajor cast_by_panels(const RowMajor& stored_weights, bool transposed, const Precision& precision,
                        Team& team) {
  WeightShape shape = stored(stored_weights).shape();
  shape.transposed = transposed;
  const PlainWeights weights(shape, [&](const Block& block, std::span<std::byte> bytes) {
    stored(stored_weights).read(block, bytes);
  });
  RowMajor result(shape.rows, shape.cols);
  std::int64_t done = 0;
  for_each_panel(weights, {ElementFormat::fp32, precision}, nullptr, team, [&](const Panel& panel) {
    const std::int64_t rows = shape.wide() ? shape.rows : panel.depth;
    const std::int64_t cols = shape.wide() ? panel.depth : shape.cols;
    const Eigen::Map<const RowMajor> values(panel.values.data(), rows, cols);
    result.block(shape.wide() ? 0 : done, shape.wide() ? done : 0, rows, cols) = values;
    done += panel.depth;
  });
  return result;
}

class GroupedCast : public testing::TestWithParam<int> {};

/// Over several panels, with a partial last group; tall, wide, and transposed ones.
TEST_P(GroupedCast, ScalesAreThoseOfTheGroupsOfW) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{5000, 450}, {450, 5000}, {70, 70}}) {
    RowMajor weights = rounded_to_fp32(random_matrix(rows, cols, 3));
    for (const bool transposed : {false, true}) {
      for (const Precision& precision : {quarters({1, 32}), quarters({1, all}), quarters({1, 128}, true),
                                         quarters({128, 128}), quarters({all, all}, true)}) {
        const RowMajor w = transposed ? RowMajor(weights.transpose()) : weights;
        const RowMajor cast = expected(w, precision);
        const RowMajor should_be = transposed ? RowMajor(cast.transpose()) : cast;
        run_as_team(GetParam(), [&](Team& team) {
          const RowMajor found = cast_by_panels(weights, transposed, precision, team);
          EXPECT_EQ((found - should_be).cwiseAbs().maxCoeff(), 0)
              << weights.rows() << " x " << weights.cols() << (transposed ? " transposed" : "") << " group "
              << precision.scaling.group.out << " x " << precision.scaling.group.in;
        });
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Members, GroupedCast,
                         testing::ValuesIn(under_sanitizers ? std::vector{2} : std::vector{1, 2, 3}));

TEST(GroupedCast, PanelsOfWideMatricesAreCutAtTheGroups) {
  const PrecisionCast cast(quarters({1, 32}), plain_shape(10, 100, ElementFormat::fp32));
  EXPECT_EQ(cast.column_multiple(), 32);
  EXPECT_FALSE(cast.needs_first_pass());
}

TEST(GroupedCast, WhatAPanelLacksNeedsAFirstPass) {
  WeightShape tall = plain_shape(100, 10, ElementFormat::fp32);
  EXPECT_FALSE(PrecisionCast(quarters({1, all}), tall).needs_first_pass()) << "rows are whole";
  EXPECT_TRUE(
      PrecisionCast(quarters({1, all}), plain_shape(10, 100, ElementFormat::fp32)).needs_first_pass());
  EXPECT_TRUE(PrecisionCast(quarters({all, all}), tall).needs_first_pass());
  tall.transposed = true;
  EXPECT_TRUE(PrecisionCast(quarters({1, 32}), tall).needs_first_pass());
}

}  // namespace
}  // namespace alphahill
