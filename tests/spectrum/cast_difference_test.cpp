#include "alphahill/spectrum/cast_difference.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>

#include "alphahill/metrics/hill.hpp"
#include "support/matrices.hpp"
#include "support/under_sanitizers.hpp"

namespace alphahill {
namespace {

using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::span<const float> values_of(const Floats& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

/// Streams the matrices in panels of whole rows (or whole columns) and blocks of `block` weights.
CastDifference difference_of(const Floats& one, const Floats& other, bool by_columns = false,
                             std::int64_t block = 37) {
  CastDifference difference(one.rows(), one.cols());
  const std::int64_t depth = 5;
  const std::int64_t length = by_columns ? one.cols() : one.rows();
  for (std::int64_t at = 0; at < length; at += depth) {
    const std::int64_t taken = std::min(depth, length - at);
    const auto panel_of = [&](const Floats& m) {
      return by_columns ? Floats(m.middleCols(at, taken)) : Floats(m.middleRows(at, taken));
    };
    const Floats first = panel_of(one);
    const Floats second = panel_of(other);
    const PanelPlace place = by_columns ? PanelPlace{0, at, taken} : PanelPlace{at, 0, one.cols()};
    for (std::int64_t i = 0; i < first.size(); i += block) {
      const auto part = [&](const Floats& m) {
        return values_of(m).subspan(static_cast<std::size_t>(i),
                                    static_cast<std::size_t>(std::min<std::int64_t>(block, m.size() - i)));
      };
      difference.add(part(first), part(second), place, i);
    }
  }
  return difference;
}

/// Every `stride`th weight is off by about `size` of itself.
Floats perturbed(const Floats& matrix, float size, std::int64_t stride) {
  Floats other = matrix;
  for (std::int64_t i = 0; i < other.size(); i += stride) {
    other.data()[i] *= 1 + size * static_cast<float>(std::cos(static_cast<double>(i)));
  }
  return other;
}

double alpha_of(const Eigen::VectorXd& eigenvalues) {
  return hill({eigenvalues.data(), static_cast<std::size_t>(eigenvalues.size())}, 0.1).alpha;
}

TEST(CastDifference, TheNormBoundIsTheRootOfTheLargestSums) {
  Floats one = Floats::Zero(3, 4);
  Floats other = one;
  other(0, 1) = 3;
  other(2, 1) = -2;
  other(2, 3) = 1;
  for (const bool by_columns : {false, true}) {
    EXPECT_NEAR(difference_of(one, other, by_columns).norm_bound(), std::sqrt(5.0 * 3.0), 64 * eps);
  }
}

TEST(CastDifference, PanelsOfRowsAndOfColumnsGiveTheSameBound) {
  const Floats one = random_matrix(23, 41, 1).cast<float>();
  const Floats other = perturbed(one, 1e-3F, 7);
  const double bound = difference_of(one, other).norm_bound();
  const Eigen::MatrixXd e = other.cast<double>() - one.cast<double>();
  EXPECT_NEAR(bound,
              std::sqrt(e.cwiseAbs().colwise().sum().maxCoeff() * e.cwiseAbs().rowwise().sum().maxCoeff()),
              128 * eps * bound);
  EXPECT_NEAR(difference_of(one, other, true, 11).norm_bound(), bound, 128 * eps * bound);
}

TEST(CastDifference, EqualBitsHaveNoDifference) {
  const Floats one = random_matrix(9, 8, 2).cast<float>();
  EXPECT_TRUE(difference_of(one, one).equal_bits());
  EXPECT_EQ(difference_of(one, one).norm_bound(), 0);
}

TEST(CastDifference, ANanOrInfinityHasNoBound) {
  const Floats one = Floats::Ones(6, 6);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Floats other = one;
    other(2, 3) = bad;
    EXPECT_EQ(difference_of(one, other).norm_bound(), std::numeric_limits<double>::infinity());
  }
}

TEST(CastDifference, IsDenseWhereASixteenthOfTheWholeMatrixDiffers) {
  constexpr std::int64_t cols = 1 << 12;
  const std::vector<float> zeros(cols, 0.0F);
  const std::vector<float> ones(cols, 1.0F);
  for (const std::int64_t differing_rows : {4, 5}) {
    CastDifference difference(64, cols);
    for (std::int64_t row = 0; row < 64; ++row) {
      difference.add(zeros, row < differing_rows ? ones : zeros, {row, 0, cols}, 0);
    }
    EXPECT_EQ(std::isinf(difference.norm_bound()), differing_rows == 5);
  }
}

/// A kind of matrix, by its singular values or random.
struct Kind {
  const char* name;
  std::function<double(double x)>
      singular_value;  ///< x in (0, 1], ascending in size; nothing: normal weights
};

const Kind kinds[] = {{"power_law", [](double x) { return std::pow(x, -0.5); }},
                      {"heavy", [](double x) { return std::pow(x, -1.5); }},
                      {"spiked", [](double x) { return x < 0.06 ? 50.0 : 2 - x; }},
                      {"nearly_flat", [](double x) { return 1 + 1e-4 * (1 - x); }},
                      {"exponential", [](double x) { return std::exp(-4 * x); }},
                      {"random", {}}};

Floats matrix_of_kind(const Kind& kind, std::int64_t n, std::int64_t longer) {
  const auto seed = static_cast<unsigned>(n + longer);
  if (!kind.singular_value) return random_matrix(n, longer, seed).cast<float>();
  const Eigen::VectorXd singular = Eigen::VectorXd::NullaryExpr(n, [&](Eigen::Index i) {
    return kind.singular_value(static_cast<double>(i + 1) / static_cast<double>(n));
  });
  return matrix_of(n, longer, singular, seed).cast<float>();
}

/// By its singular values, and where these would take minutes by its eigenvalues of the Gram matrix.
Eigen::VectorXd exact_eigenvalues(const Floats& matrix) {
  if (matrix.rows() < 500) return squared_singular_values_by_eigen(matrix.cast<double>());
  return gram_eigenvalues_by_eigen(matrix.cast<double>());
}

class BoundOfAlpha : public testing::TestWithParam<std::tuple<Kind, std::int64_t>> {};

TEST_P(BoundOfAlpha, IsNeverExceeded) {
  const auto& [kind, n] = GetParam();
  const bool small = n < 500;
  const std::vector<float> sizes = small ? std::vector{1e-7F, 1e-5F, 1e-3F, 0.1F} : std::vector{1e-5F};
  std::int64_t useful = 0;
  for (const std::int64_t longer : small ? std::vector{n, n + 60} : std::vector{n}) {
    const Floats one = matrix_of_kind(kind, n, longer);
    const Eigen::VectorXd eigenvalues = exact_eigenvalues(one);
    const double alpha = alpha_of(eigenvalues);
    const double r = static_cast<double>(n) * eps * eigenvalues[n - 1] / eigenvalues[0];
    for (const float size : sizes) {
      for (const std::int64_t stride : {1, 101}) {
        const Floats other = perturbed(one, size, stride);
        const double bound = alpha_change_bound({eigenvalues.data(), static_cast<std::size_t>(n)}, 0.1, r,
                                                difference_of(one, other).norm_bound());
        const double change = std::abs(alpha_of(exact_eigenvalues(other)) - alpha);
        EXPECT_LE(change, bound * alpha) << longer << " size " << size << " stride " << stride;
        useful += bound < 1e-2 ? 1 : 0;
      }
    }
  }
  const bool near_degenerate = std::string_view(kind.name) == "nearly_flat";
  EXPECT_TRUE(useful > 0 || near_degenerate) << "a bound that is always large would be worth nothing";
}

INSTANTIATE_TEST_SUITE_P(Kinds, BoundOfAlpha,
                         testing::Combine(testing::ValuesIn(kinds),
                                          testing::Values<std::int64_t>(10, 11, 40, 97, 180)),
                         [](const auto& test) {
                           return std::string(std::get<Kind>(test.param).name) + "_" +
                                  std::to_string(std::get<std::int64_t>(test.param));
                         });
INSTANTIATE_TEST_SUITE_P(Large, BoundOfAlpha,
                         testing::Combine(testing::Values(kinds[0]),
                                          testing::Values<std::int64_t>(under_sanitizers ? 500 : 1500)));

}  // namespace
}  // namespace alphahill
