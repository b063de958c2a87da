/// Spectra against closed forms and against Eigen's own solvers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "alphahill/spectrum/backend.hpp"
#include "support/matrices.hpp"

namespace alphahill {
namespace {

const CastChain plain{ElementFormat::fp32, ElementFormat::fp32};

std::vector<double> gram_eigenvalues(const RowMajor& matrix) {
  SingleRank alone;
  return make_cpu_backend()->reduce(stored(matrix), plain, nullptr, alone)->finish().eigenvalues;
}

/// Each eigenvalue within c N eps of the largest.
void expect_spectrum(const std::vector<double>& eigenvalues, const Eigen::VectorXd& ascending, double c) {
  ASSERT_EQ(static_cast<std::int64_t>(eigenvalues.size()), ascending.size());
  const double tolerance = c * static_cast<double>(ascending.size()) * eps * ascending.tail(1)(0);
  for (std::size_t i = 0; i < eigenvalues.size(); ++i) {
    ASSERT_NEAR(eigenvalues[i], ascending(static_cast<std::int64_t>(i)), tolerance) << i;
  }
}

struct Shape {
  std::int64_t rows;
  std::int64_t cols;
};

class SpectraOfShape : public testing::TestWithParam<Shape> {};

TEST_P(SpectraOfShape, GramAndSvdAgreeWithAnotherSvd) {
  const RowMajor matrix = random_matrix(GetParam().rows, GetParam().cols, 7);
  const Eigen::VectorXd expected = squared_singular_values_by_eigen(rounded_to_fp32(matrix));
  expect_spectrum(gram_eigenvalues(matrix), expected, 4);
  expect_spectrum(squared_singular_values(stored(matrix), plain), expected, 4);
}

INSTANTIATE_TEST_SUITE_P(Spectra, SpectraOfShape,
                         testing::Values(Shape{1, 1}, Shape{1, 9}, Shape{9, 1}, Shape{2, 2}, Shape{37, 37},
                                         Shape{65, 64}, Shape{64, 65}, Shape{300, 41}, Shape{41, 300}),
                         [](const auto& test) {
                           return std::to_string(test.param.rows) + "x" + std::to_string(test.param.cols);
                         });

/// The 1-D Laplacian: eigenvalues 2 - 2 cos(i pi / (n + 1)); as W its squares are those of the Gram matrix.
/// Large enough for the two-stage reduction, and for several panels.
TEST(Spectra, TheTwoStageReductionGivesTheLaplacianItsClosedForm) {
  constexpr std::int64_t order = 1600;
  RowMajor laplacian = RowMajor::Zero(order, order);
  laplacian.diagonal().setConstant(2);
  laplacian.diagonal(1).setConstant(-1);
  laplacian.diagonal(-1).setConstant(-1);
  const Eigen::VectorXd expected = Eigen::VectorXd::NullaryExpr(order, [](Eigen::Index i) {
    const double value = 2 - 2 * std::cos(static_cast<double>(i + 1) * std::numbers::pi / (order + 1));
    return value * value;
  });
  expect_spectrum(gram_eigenvalues(laplacian), expected, 4);
}

TEST(Spectra, ALongLayerIsSummedOverManyPanels) {
  constexpr std::int64_t order = 40;
  const std::int64_t longer = 3 * panel_depth({1 << 30, order, ElementFormat::fp64, {}}) + 17;
  RowMajor tall = RowMajor::Zero(longer, order);
  for (std::int64_t row = 0; row < longer; ++row)
    tall(row, row % order) = 1 + static_cast<double>(row % order);
  Eigen::VectorXd expected(order);
  for (std::int64_t col = 0; col < order; ++col) {
    const auto ones = static_cast<double>(longer / order + (col < longer % order ? 1 : 0));
    expected(col) = ones * std::pow(1 + static_cast<double>(col), 2);
  }
  expect_spectrum(gram_eigenvalues(tall), expected, 1);
  expect_spectrum(gram_eigenvalues(tall.transpose()), expected, 1);
  expect_spectrum(squared_singular_values(stored(tall), plain), expected, 4);
}

/// Over eight decades of singular values the Gram matrix loses the small ones; the SVD keeps lambda_i to
/// 2 N eps sqrt(lambda_1 / lambda_i).
TEST(Spectra, TheSvdKeepsSmallSingularValuesThatTheGramMatrixLoses) {
  constexpr std::int64_t order = 40;
  const Eigen::VectorXd singular = Eigen::VectorXd::NullaryExpr(
      order, [](Eigen::Index i) { return std::pow(10.0, -static_cast<double>(i) / 5); });
  const RowMajor matrix = rounded_to_fp32(matrix_of(90, order, singular, 3));
  const std::vector<double> found = squared_singular_values(stored(matrix), plain);
  const Eigen::VectorXd expected = squared_singular_values_by_eigen(matrix);
  for (std::int64_t i = 0; i < order; ++i) {
    const double bound = 2 * order * eps * std::sqrt(expected(order - 1) / expected(i));
    EXPECT_NEAR(found[static_cast<std::size_t>(i)], expected(i), 2 * bound * expected(i)) << i;
  }
}

TEST(Spectra, NanAndInfWeightsHaveNoSpectrum) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    RowMajor matrix = random_matrix(5, 4, 1);
    matrix(2, 3) = bad;
    SingleRank alone;
    EXPECT_FALSE(make_cpu_backend()->reduce(stored(matrix), plain, nullptr, alone));
  }
}

TEST(Spectra, ALayerWithoutWeightsHasAnEmptySpectrum) {
  EXPECT_TRUE(gram_eigenvalues(RowMajor(0, 5)).empty());
  EXPECT_TRUE(gram_eigenvalues(RowMajor(5, 0)).empty());
}

TEST(Spectra, ALargestPanelFitsTheStatedMemory) {
  const WeightShape wide = plain_shape(4096, 14336, ElementFormat::fp32);
  EXPECT_EQ(panel_depth(wide) * 4096 * 8, panel_bytes);
  EXPECT_LE(static_cast<double>(peak_bytes(wide)), 1.3 * 4096 * 4096 * 8 + (128 << 20));
}

}  // namespace
}  // namespace alphahill
