/// Eigenvalues of tridiagonal matrices against LAPACK's and a closed form.
#include "spectrum/tridiagonal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

extern "C" void dsterf_(const int* n, double* d, double* e, int* info);

namespace alphahill {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

struct Kind {
  const char* name;
  /// Entry of the diagonal or off-diagonal in a row; x in [0, 1) is the row's place, u is random in (0, 1).
  std::function<double(std::int64_t row, double x, double u)> diagonal;
  std::function<double(std::int64_t row, double x, double u)> off_diagonal;
};

const Kind kinds[] = {
    {"random", [](auto, double, double u) { return u; }, [](auto, double, double u) { return u - 0.5; }},
    {"zero_diagonal", [](auto, double, double) { return 0.0; }, [](auto, double, double u) { return u; }},
    {"graded_down", [](auto, double x, double) { return std::pow(10, -20 * x); },
     [](auto, double x, double) { return std::pow(10, -20 * x) / 2; }},
    {"graded_up", [](auto, double x, double) { return std::pow(10, -20 + 20 * x); },
     [](auto, double x, double) { return std::pow(10, -20 + 20 * x) / 2; }},
    {"saw_of_gradings",
     [](auto row, double, double) { return std::pow(10, -3.0 * static_cast<double>(row % 90)); },
     [](auto row, double, double) { return std::pow(10, -3.0 * static_cast<double>(row % 90)) / 2; }},
    {"glued_wilkinson", [](auto row, double, double) { return std::abs(static_cast<double>(row % 21 - 10)); },
     [](auto row, double, double) { return row % 21 == 20 ? 1e-8 : 1.0; }},
    {"nearly_identity", [](auto, double, double) { return 1.0; },
     [](auto, double, double u) { return 1e-12 * u; }},
    {"low_rank", [](auto row, double, double u) { return row < 30 ? u : 1e-17 * u; },
     [](auto row, double, double u) { return row < 30 ? u : 1e-17 * u; }},
    {"huge", [](auto, double, double u) { return 1e200 * u; },
     [](auto, double, double u) { return 1e200 * u; }},
    {"tiny", [](auto, double, double u) { return 1e-200 * u; },
     [](auto, double, double u) { return 1e-200 * u; }}};

Tridiagonal matrix_of(const Kind& kind, std::int64_t order) {
  std::mt19937 engine(static_cast<unsigned>(order));
  std::uniform_real_distribution<double> uniform;
  Tridiagonal matrix;
  for (std::int64_t row = 0; row < order; ++row) {
    const double x = static_cast<double>(row) / static_cast<double>(order);
    matrix.diagonal.push_back(kind.diagonal(row, x, uniform(engine)));
    matrix.off_diagonal.push_back(kind.off_diagonal(row, x, uniform(engine)));
  }
  return matrix;
}

std::vector<double> eigenvalues_by_lapack(Tridiagonal matrix) {
  const int n = static_cast<int>(matrix.diagonal.size());
  int info = -1;
  dsterf_(&n, matrix.diagonal.data(), matrix.off_diagonal.data(), &info);
  EXPECT_EQ(info, 0);
  return matrix.diagonal;
}

void expect_close(const std::vector<double>& found, const std::vector<double>& expected) {
  constexpr double c = 2;
  ASSERT_EQ(found.size(), expected.size());
  const double norm = std::max(std::abs(expected.front()), std::abs(expected.back()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], c * static_cast<double>(found.size()) * eps * norm) << i;
  }
}

class TridiagonalOfKind : public testing::TestWithParam<Kind> {};

TEST_P(TridiagonalOfKind, HasTheEigenvaluesThatLapackFinds) {
  for (const std::int64_t order : {1, 2, 3, 11, 12, 13, 30, 500}) {
    const Tridiagonal matrix = matrix_of(GetParam(), order);
    expect_close(tridiagonal_eigenvalues(matrix), eigenvalues_by_lapack(matrix));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TridiagonalOfKind, testing::ValuesIn(kinds),
                         [](const auto& test) { return test.param.name; });

TEST(Tridiagonal, TheLaplacianHasItsClosedForm) {
  constexpr std::int64_t order = 1000;
  std::vector<double> expected;
  for (std::int64_t i = 1; i <= order; ++i) {
    expected.push_back(2 - 2 * std::cos(static_cast<double>(i) * std::numbers::pi / (order + 1)));
  }
  expect_close(tridiagonal_eigenvalues({std::vector<double>(order, 2), std::vector<double>(order, -1)}),
               expected);
}

TEST(Tridiagonal, ZerosAreTheirOwnEigenvalues) {
  EXPECT_EQ(tridiagonal_eigenvalues({{0, 0, 0}, {0, 0, 0}}), std::vector<double>(3, 0.0));
}

}  // namespace
}  // namespace alphahill
