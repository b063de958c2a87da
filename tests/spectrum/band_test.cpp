/// The band reduction and its kernels, by every level of vector units that this machine has, and by teams.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <limits>

#include "spectrum/reduce/band_reduction.hpp"
#include "spectrum/reduce/thin_product.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

extern "C" void dsyev_2stage_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda,
                              double* w, double* work, const int* lwork, int* info, std::size_t, std::size_t);

namespace alphahill {
namespace {

std::vector<VectorLevel> levels_here() {
  std::vector<VectorLevel> levels;
  for (const VectorLevel level : {VectorLevel::baseline, VectorLevel::avx2, VectorLevel::avx512}) {
    if (level <= widest_level()) levels.push_back(level);
  }
  return levels;
}

/// What a member of a team holds of X X^T, in panels of 7 columns.
SymmetricShare share_of_gram(const Eigen::MatrixXd& x, const Team& team) {
  SymmetricShare share(x.rows(), team);
  for (std::int64_t col = 0; col < x.cols(); col += 7) {
    const std::int64_t depth = std::min<std::int64_t>(7, x.cols() - col);
    share.add_gram(x.data() + col * x.rows(), depth, false);
  }
  return share;
}

/// Independent of ours: LAPACK's own two-stage reduction.
Eigen::VectorXd eigenvalues_by_lapack(Eigen::MatrixXd a) {
  const int n = static_cast<int>(a.rows());
  const int lwork = 64 * n + 400 * n;
  std::vector<double> work(static_cast<std::size_t>(lwork));
  Eigen::VectorXd eigenvalues(n);
  int info = -1;
  dsyev_2stage_("N", "L", &n, a.data(), &n, eigenvalues.data(), work.data(), &lwork, &info, 1, 1);
  EXPECT_EQ(info, 0);
  return eigenvalues;
}

void expect_eigenvalues(const std::vector<double>& found, const Eigen::VectorXd& expected) {
  constexpr double c = 2;
  ASSERT_EQ(std::ssize(found), expected.size());
  const double tolerance = c * static_cast<double>(found.size()) * eps * expected.cwiseAbs().maxCoeff();
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected(static_cast<std::int64_t>(i)), tolerance) << i;
  }
}

class SymmetricProduct : public testing::TestWithParam<std::tuple<VectorLevel, int>> {};

TEST_P(SymmetricProduct, OfABlockColumnIsItsPartOfTheWholeProduct) {
  constexpr std::int64_t order = 150;
  const Eigen::MatrixXd a = random_matrix(order, order, 1).selfadjointView<Eigen::Lower>();
  for (const std::int64_t vectors : {1, 24, 31}) {
    const Eigen::MatrixXd v = random_matrix(vectors, order, 2);
    Eigen::MatrixXd y = Eigen::MatrixXd::Zero(vectors, order);
    for (const auto& [first, cols] : {std::pair<std::int64_t, std::int64_t>{0, 67}, {67, 83}}) {
      add_symmetric_product({order - first, cols, &a.coeffRef(first, first), order}, vectors,
                            {v.col(first).data(), vectors}, {y.col(first).data(), vectors},
                            std::get<int>(GetParam()), std::get<VectorLevel>(GetParam()));
    }
    EXPECT_LE((y - v * a).cwiseAbs().maxCoeff(), order * eps * (v.cwiseAbs() * a.cwiseAbs()).maxCoeff());
  }
}

INSTANTIATE_TEST_SUITE_P(LevelsAndThreads, SymmetricProduct,
                         testing::Combine(testing::ValuesIn(levels_here()), testing::Values(1, 2, 3)));

class BandEigenvalues : public testing::TestWithParam<VectorLevel> {};

TEST_P(BandEigenvalues, AreThoseOfTheFullMatrix) {
  for (const std::int64_t order : {1, 2, 23, 24, 25, 26, 49, 120, 401}) {
    const Eigen::MatrixXd full = random_matrix(order, order, 3).selfadjointView<Eigen::Lower>();
    Eigen::MatrixXd banded = Eigen::MatrixXd::Zero(order, order);
    SymmetricBand band(order);
    for (std::int64_t col = 0; col < order; ++col) {
      for (std::int64_t row = col; row < std::min(order, col + SymmetricBand::width + 1); ++row) {
        band.at(row, col) = banded(row, col) = banded(col, row) = full(row, col);
      }
    }
    expect_eigenvalues(band.eigenvalues(GetParam()), eigenvalues_by_eigen(banded));
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, BandEigenvalues, testing::ValuesIn(levels_here()));

TEST(BandReduction, KeepsTheEigenvaluesAtEveryOrder) {
  SingleRank alone;
  for (const std::int64_t order : {1, 2, 24, 25, 47, 48, 49, 96, 97, 121, 193, 500}) {
    const Eigen::MatrixXd x = random_matrix(order, order + 5, 4);
    SymmetricShare gram = share_of_gram(x, alone);
    expect_eigenvalues(reduce_to_band(gram, alone).eigenvalues(), eigenvalues_by_eigen(x * x.transpose()));
  }
}

TEST(BandReduction, AgreesWithTheTwoStageReductionOfLapack) {
  SingleRank alone;
  const Eigen::MatrixXd x = random_matrix(700, 900, 5);
  SymmetricShare gram = share_of_gram(x, alone);
  expect_eigenvalues(reduce_to_band(gram, alone).eigenvalues(), eigenvalues_by_lapack(x * x.transpose()));
}

TEST(BandReduction, BearsMatricesOfLowRankAndOfZeros) {
  SingleRank alone;
  for (const std::int64_t rank : {0, 1, 30}) {
    const Eigen::MatrixXd x = random_matrix(160, rank, 6);
    SymmetricShare gram = share_of_gram(x, alone);
    expect_eigenvalues(reduce_to_band(gram, alone).eigenvalues(), eigenvalues_by_eigen(x * x.transpose()));
  }
}

class BandReductionByTeam : public testing::TestWithParam<int> {};

TEST_P(BandReductionByTeam, GivesEveryMemberTheSameBand) {
  for (const std::int64_t order : {5, 191, 193, 700}) {
    const Eigen::MatrixXd x = random_matrix(order, order + 30, 7);
    std::vector<std::vector<double>> found(static_cast<std::size_t>(GetParam()));
    run_as_team(GetParam(), [&](Team& team) {
      SymmetricShare gram = share_of_gram(x, team);
      found[static_cast<std::size_t>(team.rank())] = reduce_to_band(gram, team).eigenvalues();
    });
    expect_eigenvalues(found[0], eigenvalues_by_eigen(x * x.transpose()));
    for (const auto& eigenvalues : found) EXPECT_EQ(eigenvalues, found[0]);
  }
}

TEST_P(BandReductionByTeam, SharesOfTheNormAddUp) {
  const Eigen::MatrixXd x = random_matrix(500, 20, 8);
  const double expected = (x * x.transpose()).squaredNorm();
  run_as_team(GetParam(), [&](Team& team) {
    std::vector<double> sum{share_of_gram(x, team).squared_norm()};
    team.sum(sum);
    EXPECT_NEAR(sum[0], expected, 500 * eps * expected);
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, BandReductionByTeam, testing::Values(2, 3, 4));

}  // namespace
}  // namespace alphahill
