/// Panels of weights that are stored in codes.
#include "alphahill/spectrum/panels.hpp"

#include <gtest/gtest.h>

#include "support/coded_matrix.hpp"

namespace alphahill {
namespace {

/// Over several panels, of the last of which a second read of the wide one has a part.
TEST(Panels, OfCodesHoldTheWeightsThatTheyStandFor) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{40001, 99}, {64, 600001}, {3, 5}}) {
    const CodedMatrix matrix(rows, cols, ElementFormat::fp64);
    SingleRank alone;
    std::int64_t done = 0, wrong = 0;
    for_each_panel(matrix, {ElementFormat::fp32, ElementFormat::fp32}, nullptr, alone,
                   [&](const Panel& panel) {
                     const std::int64_t panel_cols = matrix.wide() ? panel.depth : matrix.cols();
                     for (std::int64_t i = 0; i < std::ssize(panel.values); ++i) {
                       const std::int64_t row = i / panel_cols, col = i % panel_cols;
                       const double weight =
                           matrix.wide() ? matrix.weight(row, done + col) : matrix.weight(done + row, col);
                       if (panel.values[static_cast<std::size_t>(i)] != double{static_cast<float>(weight)})
                         ++wrong;
                     }
                     done += panel.depth;
                   });
    EXPECT_EQ(done, matrix.longer_side());
    EXPECT_EQ(wrong, 0) << rows << " x " << cols;
  }
}

}  // namespace
}  // namespace alphahill
