/// The singular values that a team computes with ScaLAPACK, over real MPI: run on several numbers of ranks,
/// all of them one team except where a test says otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <new>
#include <string>

#include "alphahill/base/error.hpp"
#include "alphahill/runtime/mpi_teams.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/team_svd.hpp"
#include "runtime/mpi_team.hpp"
#include "runtime/mpi_test_main.hpp"
#include "support/failing_allocations.hpp"
#include "support/matrices.hpp"

extern "C" {
int Csys2blacs_handle(MPI_Comm communicator);
void Cfree_blacs_system_handle(int handle);
void dgesdd_(const char* jobz, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork,
             int* info, std::size_t);
}

namespace alphahill {
namespace {

MpiSession* mpi = nullptr;

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr std::int64_t plenty = std::numeric_limits<std::int64_t>::max();
const CastChain plain{ElementFormat::fp32, ElementFormat::fp32};
/// Of a singular value, against the largest.
constexpr double largest_error = 1e-13;

/// Descending.
Eigen::VectorXd singular_values_by_lapack(const RowMajor& matrix) {
  Eigen::MatrixXd a = matrix;
  const int rows = static_cast<int>(a.rows());
  const int cols = static_cast<int>(a.cols());
  const int unused = 1;
  int info = 0;
  const int lwork = 16 * (rows + cols) + 4 * std::min(rows, cols) * 64;
  Eigen::VectorXd values(std::min(rows, cols));
  std::vector<double> work(static_cast<std::size_t>(lwork));
  std::vector<int> integer_work(8 * static_cast<std::size_t>(values.size()));
  dgesdd_("N", &rows, &cols, a.data(), &rows, values.data(), nullptr, &unused, nullptr, &unused, work.data(),
          &lwork, integer_work.data(), &info, 1);
  EXPECT_EQ(info, 0);
  return values;
}

/// @param squares  ascending
void expect_singular_values(const std::vector<double>& squares, const RowMajor& matrix) {
  const Eigen::VectorXd expected = singular_values_by_lapack(matrix);
  ASSERT_EQ(std::ssize(squares), expected.size());
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const double found = std::sqrt(squares[squares.size() - 1 - static_cast<std::size_t>(i)]);
    ASSERT_NEAR(found, expected(i), largest_error * expected(0)) << i;
  }
}

/// By the team, with much memory and with as little as possible, on the matrix and on its transpose.
void expect_same_as_lapack(const RowMajor& matrix) {
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  const RowMajor rounded = rounded_to_fp32(matrix);
  const RowMajor transposed = rounded.transpose();
  for (const RowMajor* orientation : {&rounded, &transposed}) {
    const PlainWeights layer = stored(*orientation);
    for (const std::int64_t memory :
         {plenty, least_team_svd_bytes(layer.shape(), std::max(team->size(), 2))}) {
      const auto squares = squared_singular_values(layer, plain, *team, memory);
      if (team->rank() == 0) expect_singular_values(squares, *orientation);
    }
  }
}

struct Shape {
  std::int64_t rows;
  std::int64_t cols;
};

class ScalapackOfShape : public testing::TestWithParam<Shape> {};

TEST_P(ScalapackOfShape, SingularValuesAreThoseOfLapack) {
  expect_same_as_lapack(random_matrix(GetParam().rows, GetParam().cols, 3));
}

INSTANTIATE_TEST_SUITE_P(Scalapack, ScalapackOfShape,
                         testing::Values(Shape{1, 1}, Shape{2, 1}, Shape{2, 2}, Shape{3, 2}, Shape{63, 63},
                                         Shape{64, 64}, Shape{65, 65}, Shape{129, 127}, Shape{200, 100},
                                         Shape{311, 211}, Shape{403, 257}, Shape{1009, 101}),
                         [](const auto& test) {
                           return std::to_string(test.param.rows) + "x" + std::to_string(test.param.cols);
                         });

TEST(Scalapack, SingularValuesOfALargerMatrixAreThoseOfLapack) {
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  const RowMajor matrix = rounded_to_fp32(random_matrix(1300, 1000, 4));
  const auto squares = squared_singular_values(stored(matrix), plain, *team, plenty);
  if (team->rank() == 0) expect_singular_values(squares, matrix);
}

TEST(Scalapack, RankDeficientMatricesKeepTheirZeroSingularValues) {
  expect_same_as_lapack(RowMajor::Zero(90, 70));
  expect_same_as_lapack(random_matrix(200, 10, 5) * random_matrix(10, 150, 6));
  RowMajor with_zeros = random_matrix(300, 120, 7);
  with_zeros.middleCols(30, 60).setZero();
  with_zeros.topRows(150).setZero();
  expect_same_as_lapack(with_zeros);
}

TEST(Scalapack, SingularValuesOver14DecadesAreThoseOfLapack) {
  constexpr std::int64_t order = 150;
  const Eigen::VectorXd graded = Eigen::VectorXd::NullaryExpr(
      order, [](Eigen::Index i) { return std::pow(10.0, -14 * static_cast<double>(i) / (order - 1)); });
  expect_same_as_lapack(matrix_of(190, order, graded, 8));
  expect_same_as_lapack(random_matrix(400, order, 9) * graded.asDiagonal());
}

TEST(Scalapack, TheGramSpectrumOfTheTeamIsItsSquare) {
  constexpr double c = 4;
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  const RowMajor matrix = random_matrix(700, 450, 10);
  const auto squares = squared_singular_values(stored(matrix), plain, *team, plenty);
  const auto gram = make_cpu_backend()->reduce(stored(matrix), plain, nullptr, *team);
  if (team->rank() != 0) return;
  const std::vector<double> eigenvalues = gram->finish().eigenvalues;
  ASSERT_EQ(squares.size(), eigenvalues.size());
  const double tolerance = c * static_cast<double>(squares.size()) * eps * squares.back();
  for (std::size_t i = 0; i < squares.size(); ++i) EXPECT_NEAR(squares[i], eigenvalues[i], tolerance) << i;
}

TEST(Scalapack, TeamsOfTheSameRunComputeSideBySideWhateverEachHasToDo) {
  const BlockLayout pairs{mpi->size(), 0, 2};
  MpiTeams teams(*mpi, pairs);
  const auto pair = mpi->size() > 1 ? pairs.block_of(mpi->rank(), 2) : std::nullopt;
  if (!pair) return;
  for (int layer = 0; layer < 3 * (1 + *pair); ++layer) {
    const RowMajor matrix =
        rounded_to_fp32(random_matrix(100 + 10 * layer, 60, static_cast<unsigned>(layer)));
    const auto squares = squared_singular_values(stored(matrix), plain, teams.of_size(2), plenty);
    if (teams.of_size(2).rank() == 0) expect_singular_values(squares, matrix);
  }
}

/// The R of rows that lie in memory by row and by column, with zeros below.
TEST(Scalapack, AFactoredMatrixHasTheSingularValuesOfItsRows) {
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  const RowMajor by_row = random_matrix(150, 90, 11);
  const Eigen::MatrixXd by_col = random_matrix(70, 90, 12);
  const auto matrix = team->make_matrix(220, 90);
  matrix->set_rows(0, {150, by_row.data(), 90, 1});
  matrix->set_rows(150, {70, by_col.data(), 1, 70});
  matrix->factor(220);
  const Bidiagonal bidiagonal = matrix->reduce_to_bidiagonal(90);
  RowMajor reduced = RowMajor::Zero(90, 90);
  for (std::int64_t i = 0; i < 90; ++i) reduced(i, i) = bidiagonal.diagonal[static_cast<std::size_t>(i)];
  for (std::int64_t i = 0; i < 89; ++i)
    reduced(i, i + 1) = bidiagonal.superdiagonal[static_cast<std::size_t>(i)];
  RowMajor rows(220, 90);
  rows << by_row, by_col;
  const Eigen::VectorXd expected = singular_values_by_lapack(rows);
  const Eigen::VectorXd difference = singular_values_by_lapack(reduced) - expected;
  EXPECT_LT(difference.lpNorm<Eigen::Infinity>(), largest_error * expected(0));
}

std::int64_t resident_bytes() {
  std::int64_t size = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int next_blacs_handle() {
  const int handle = Csys2blacs_handle(MPI_COMM_WORLD);
  Cfree_blacs_system_handle(handle);
  return handle;
}

TEST(Scalapack, GridsAreFreedWithTheirMatrices) {
  constexpr std::int64_t page_cache_of_allocators = 4 << 20;
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  const auto make_matrices = [&](int count) {
    for (int i = 0; i < count; ++i) team->make_matrix(8, 4)->factor(8);
  };
  make_matrices(20);
  const int handle = next_blacs_handle();
  const std::int64_t resident = resident_bytes();
  make_matrices(200);
  EXPECT_EQ(next_blacs_handle(), handle);
  EXPECT_LT(resident_bytes() - resident, page_cache_of_allocators);
}

/// "" for a spectrum, or the error.
std::string outcome_of(const RowMajor& matrix, Team& team) {
  try {
    squared_singular_values(stored(matrix), plain, team, plenty);
    return "";
  } catch (const std::bad_alloc&) {
    return "not enough memory";
  } catch (const Error& error) {
    return error.reason();
  }
}

TEST(Scalapack, AnAllocationThatFailsOnOneMemberEndsTheLayerOnAllAndTheNextOneWorks) {
  const auto team = make_mpi_team(MPI_COMM_WORLD);
  if (team->size() == 1) return;
  const RowMajor matrix = random_matrix(300, 200, 13);
  for (const int failing : {0, team->size() - 1}) {
    std::int64_t nth = 0;
    for (bool failed = true; failed;) {
      if (team->rank() == failing) allocations_to_failure() = nth + 1;
      const std::string outcome = outcome_of(matrix, *team);
      allocations_to_failure() = 0;
      failed = team->any(!outcome.empty());
      EXPECT_EQ(outcome, failed ? "not enough memory" : "") << "member " << failing << ", " << nth;
      if (failed) ++nth;
    }
    EXPECT_GT(nth, 12) << "member " << failing;
  }
  expect_same_as_lapack(matrix);
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  return alphahill::run_tests_on_all_ranks(argc, argv, alphahill::mpi);
}
