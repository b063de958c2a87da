/// Eigenvalues of tridiagonal matrices against LAPACK's QL iteration, on 23,904 hostile matrices and those
/// that have been collected in files.
///
/// The reference is dsterf. Where the two disagree, bisection by Sturm counts (dstebz) decides: on entries
/// near the square root of the smallest number dsterf itself is off, by up to 1e-7 |T|.
#include "spectrum/reduce/tridiagonal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

#include "alphahill/base/error.hpp"
#include "spectrum/reduce/band_reduction.hpp"
#include "spectrum/reduce/lapack.hpp"
#include "spectrum/reduce/sturm_check.hpp"
#include "support/matrices.hpp"

extern "C" void dstebz_(const char* range, const char* order, const int* n, const double* vl,
                        const double* vu, const int* il, const int* iu, const double* abstol, const double* d,
                        const double* e, int* m, int* nsplit, double* w, int* iblock, int* isplit,
                        double* work, int* iwork, int* info, std::size_t, std::size_t);

namespace alphahill {
namespace {

/// Random numbers, the same for the same seed.
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : engine_(seed) {}

  double uniform() { return std::uniform_real_distribution<double>()(engine_); }
  double normal() { return std::normal_distribution<double>()(engine_); }
  /// Between 10^-decades and 1, evenly by logarithm.
  double graded(double decades) { return std::pow(10, -decades * uniform()); }

 private:
  std::mt19937_64 engine_;
};

/// An entry in a row; x in [0, 1) is the row's place.
using Entry = std::function<double(std::int64_t row, double x, RandomNumbers& random)>;

struct Kind {
  const char* name;
  Entry diagonal;
  Entry off_diagonal;
  bool random = true;  ///< else there is one matrix of an order
};

Kind of_one_entry(const char* name, const Entry& entry, bool random = true) {
  return {name, entry, entry, random};
}

constexpr double decades = 30;

double small_numbers(std::int64_t row) {
  return std::pow(10, -16.0 - 4.0 * static_cast<double>(row % 20));
}

/// As the band of a Gram matrix of low rank leaves it: `rank` rows that count, and the noise of rounding.
double low_rank(double place, double noise, RandomNumbers& random) {
  return place < 0.125 ? random.normal() : noise * random.normal();
}

const Kind kinds[] = {
    of_one_entry("normal", [](auto, auto, RandomNumbers& random) { return random.normal(); }),
    of_one_entry(
        "graded_down",
        [](auto, double x, RandomNumbers& random) { return random.normal() * std::pow(10, -decades * x); }),
    of_one_entry("graded_up",
                 [](auto, double x, RandomNumbers& random) {
                   return random.normal() * std::pow(10, decades * (x - 1));
                 }),
    of_one_entry("graded_at_random",
                 [](auto, auto, RandomNumbers& random) { return random.normal() * random.graded(decades); }),
    of_one_entry("from_1e_minus_300",
                 [](auto, auto, RandomNumbers& random) { return random.normal() * random.graded(300); }),
    of_one_entry(
        "some_zeros",
        [](auto, auto, RandomNumbers& random) { return random.uniform() < 0.4 ? 0 : random.normal(); }),
    of_one_entry("integers",
                 [](auto, auto, RandomNumbers& random) { return std::floor(4 * random.uniform()) - 1; }),
    of_one_entry("huge", [](auto, auto, RandomNumbers& random) { return 1e300 * random.normal(); }),
    of_one_entry("tiny", [](auto, auto, RandomNumbers& random) { return 1e-300 * random.normal(); }),
    of_one_entry("low_rank",
                 [](auto, double x, RandomNumbers& random) { return low_rank(x, 1e-16, random); }),
    of_one_entry("low_rank_reversed",
                 [](auto, double x, RandomNumbers& random) { return low_rank(1 - x, 1e-16, random); }),
    of_one_entry(
        "low_rank_of_small_noise",
        [](auto row, double x, RandomNumbers& random) { return low_rank(x, small_numbers(row), random); }),
    of_one_entry(
        "geometric", [](auto row, auto, RandomNumbers&) { return std::pow(0.5, static_cast<double>(row)); },
        false),
    of_one_entry(
        "saw_of_gradings",
        [](auto row, auto, RandomNumbers&) { return std::pow(10, -3.0 * static_cast<double>(row % 90)); },
        false),
    {"zero_diagonal", [](auto, auto, RandomNumbers&) { return 0.0; },
     [](auto, auto, RandomNumbers& random) { return random.normal(); }},
    {"wilkinson", [](auto, double x, RandomNumbers&) { return std::abs(x - 0.5) * 20; },
     [](auto, auto, RandomNumbers&) { return 1.0; }, false},
    {"glued_wilkinson",
     [](auto row, auto, RandomNumbers&) { return std::abs(static_cast<double>(row % 21 - 10)); },
     [](auto row, auto, RandomNumbers& random) { return row % 21 == 20 ? random.graded(14) : 1.0; }},
    {"laplace", [](auto, auto, RandomNumbers&) { return 2.0; },
     [](auto, auto, RandomNumbers&) { return -1.0; }, false},
    {"clusters",
     [](auto, auto, RandomNumbers& random) {
       return std::floor(3 * random.uniform()) + 1e-15 * random.normal();
     },
     [](auto, auto, RandomNumbers& random) { return 1e-14 * random.normal(); }},
    {"spike", [](auto, double x, RandomNumbers& random) { return x == 0.5 ? 1e10 : random.normal(); },
     [](auto, auto, RandomNumbers& random) { return random.normal(); }}};

Tridiagonal matrix_of(const Kind& kind, std::int64_t order, std::uint64_t seed) {
  RandomNumbers random(seed);
  Tridiagonal matrix;
  for (std::int64_t row = 0; row < order; ++row) {
    const double x = static_cast<double>(row) / static_cast<double>(order);
    matrix.diagonal.push_back(kind.diagonal(row, x, random));
    matrix.off_diagonal.push_back(kind.off_diagonal(row, x, random));
  }
  return matrix;
}

std::vector<double> eigenvalues_by_bisection(const Tridiagonal& matrix) {
  const int n = static_cast<int>(matrix.diagonal.size());
  const int unused = 0;
  const double none = 0;
  const double tolerance = 2 * std::numeric_limits<double>::min();
  int found = 0;
  int blocks = 0;
  int info = -1;
  std::vector<double> values(matrix.diagonal.size());
  std::vector<int> places(5 * values.size());
  std::vector<double> work(4 * values.size());
  dstebz_("A", "E", &n, &none, &none, &unused, &unused, &tolerance, matrix.diagonal.data(),
          matrix.off_diagonal.data(), &found, &blocks, values.data(), places.data(), places.data() + n,
          work.data(), places.data() + 2 * n, &info, 1, 1);
  EXPECT_EQ(info, 0);
  EXPECT_EQ(found, n);
  return values;
}

/// The largest difference, in n eps |T|; infinite where one is NaN.
double error_of(const std::vector<double>& found, const std::vector<double>& expected) {
  const double norm = std::max(std::abs(expected.front()), std::abs(expected.back()));
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    largest =
        std::isnan(difference) ? std::numeric_limits<double>::infinity() : std::max(largest, difference);
  }
  return largest == 0 ? 0 : largest / (static_cast<double>(found.size()) * eps * norm);
}

void expect_eigenvalues_of(const Tridiagonal& matrix) {
  constexpr double c = 10;
  const std::vector<double> found = tridiagonal_eigenvalues(matrix);
  ASSERT_EQ(found.size(), matrix.diagonal.size());
  ASSERT_TRUE(std::ranges::is_sorted(found));
  ASSERT_NO_THROW(check_sturm_counts(matrix, found));
  if (error_of(found, lapack::tridiagonal_eigenvalues(matrix)) <= c) return;
  ASSERT_LE(error_of(found, eigenvalues_by_bisection(matrix)), c);
}

struct MatricesOfOrder {
  std::int64_t order;
  int matrices;
};

/// Of each random kind. Most at small orders, which cost little; dozens from 200 on, where iterations have
/// failed.
constexpr MatricesOfOrder matrices_of_random_kinds[] = {
    {1, 100},  {2, 100},  {3, 100},  {4, 100},  {5, 100},  {7, 100},  {11, 100},
    {12, 100}, {13, 100}, {14, 100}, {16, 100}, {24, 100}, {25, 100}, {40, 100},
    {77, 20},  {200, 20}, {256, 20}, {500, 8},  {1000, 4}, {1500, 4}};

class TridiagonalOfKind : public testing::TestWithParam<Kind> {};

TEST_P(TridiagonalOfKind, HasTheEigenvaluesThatLapackFinds) {
  constexpr std::int64_t seeds_of_an_order = 100;
  for (const auto& [order, matrices] : matrices_of_random_kinds) {
    for (int i = 0; i < (GetParam().random ? matrices : 1); ++i) {
      const auto seed = static_cast<std::uint64_t>(order * seeds_of_an_order + i);
      SCOPED_TRACE(testing::Message() << "order " << order << ", seed " << seed);
      expect_eigenvalues_of(matrix_of(GetParam(), order, seed));
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TridiagonalOfKind, testing::ValuesIn(kinds),
                         [](const auto& test) { return test.param.name; });

/// Eigenvalues of LAPACK's test matrices (dlatms), by mode: all but one equal, graded evenly or by logarithm,
/// and random.
double eigenvalue_of_mode(int mode, double x, std::int64_t row, RandomNumbers& random) {
  constexpr double condition = 1e14;
  switch (mode) {
    case 1:
      return row == 0 ? 1 : 1 / condition;
    case 2:
      return x < 0.98 ? 1 : 1 / condition;
    case 3:
      return std::pow(condition, -x);
    case 4:
      return 1 - x * (1 - 1 / condition);
    case 5:
      return random.graded(14);
    default:
      return random.normal();
  }
}

/// The tridiagonal form of a matrix of such eigenvalues between random orthogonal factors.
Tridiagonal matrix_of_mode(int mode, std::int64_t order, unsigned seed) {
  RandomNumbers random(seed);
  const Eigen::VectorXd values = Eigen::VectorXd::NullaryExpr(order, [&](Eigen::Index row) {
    return eigenvalue_of_mode(mode, static_cast<double>(row) / static_cast<double>(order), row, random);
  });
  const Eigen::MatrixXd q = alphahill::matrix_of(order, order, Eigen::VectorXd::Ones(order), seed);
  Eigen::MatrixXd full = q * values.asDiagonal() * q.transpose();
  return lapack::reduce_to_tridiagonal(order, {full.data(), order});
}

TEST(Tridiagonal, LapacksTestMatricesHaveTheEigenvaluesThatItFinds) {
  for (int mode = 1; mode <= 6; ++mode) {
    for (const std::int64_t order : {2, 5, 13, 30, 60, 150}) {
      for (unsigned seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(testing::Message() << "mode " << mode << ", order " << order << ", seed " << seed);
        expect_eigenvalues_of(matrix_of_mode(mode, order, seed));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Tridiagonal, TheBandOfALowRankGramMatrixHasTheEigenvaluesThatLapackFinds) {
  SingleRank alone;
  for (const std::int64_t order : {30, 60, 130, 260}) {
    for (const std::int64_t rank : {std::int64_t{1}, order / 32, order / 8, order / 2}) {
      for (unsigned seed = 1; seed <= 4; ++seed) {
        const Eigen::MatrixXd x = random_matrix(order, rank, seed);
        SymmetricShare gram(order, alone);
        gram.add_gram(x.data(), rank, false);
        SCOPED_TRACE(testing::Message() << "order " << order << ", rank " << rank << ", seed " << seed);
        expect_eigenvalues_of(reduce_to_band(gram, alone).tridiagonal());
        if (HasFatalFailure()) return;
      }
    }
  }
}

/// Lines `row diagonal off-diagonal` behind one with the order.
Tridiagonal read_matrix(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t order = 0;
  file >> order;
  Tridiagonal matrix;
  for (std::int64_t row = 0; row < order; ++row) {
    double diagonal = 0;
    double off_diagonal = 0;
    std::int64_t number = 0;
    file >> number >> diagonal >> off_diagonal;
    matrix.diagonal.push_back(diagonal);
    matrix.off_diagonal.push_back(off_diagonal);
  }
  EXPECT_TRUE(file) << path;
  return matrix;
}

/// Those that an earlier iteration turned into NaN, and where it is there, a larger collection of them.
TEST(Tridiagonal, CollectedMatricesHaveTheEigenvaluesThatLapackFinds) {
  const std::filesystem::path source(ALPHAHILL_SOURCE_DIR);
  int files = 0;
  for (const auto& folder : {source / "tests/spectrum/tridiagonals", source / "../shared/tridiagonals"}) {
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      SCOPED_TRACE(file.path());
      expect_eigenvalues_of(read_matrix(file.path()));
      if (HasFatalFailure()) return;
      ++files;
    }
  }
  EXPECT_GE(files, 4);
}

TEST(Tridiagonal, TheLaplacianHasItsClosedForm) {
  constexpr std::int64_t order = 1000;
  std::vector<double> expected;
  for (std::int64_t i = 1; i <= order; ++i) {
    expected.push_back(2 - 2 * std::cos(static_cast<double>(i) * std::numbers::pi / (order + 1)));
  }
  const auto found = tridiagonal_eigenvalues({std::vector<double>(order, 2), std::vector<double>(order, -1)});
  EXPECT_LE(error_of(found, expected), 2);
}

TEST(Tridiagonal, ZerosAreTheirOwnEigenvalues) {
  EXPECT_EQ(tridiagonal_eigenvalues({{0, 0, 0}, {0, 0, 0}}), std::vector<double>(3, 0.0));
}

/// Two neighbours moved in opposite directions: the sum stays, that of the squares nearly.
TEST(SturmCheck, FindsTwoEigenvaluesThatAreWrongTogether) {
  for (const Kind& kind : kinds) {
    for (const std::int64_t order : {2, 31, 32, 33, 100}) {
      const Tridiagonal matrix = matrix_of(kind, order, 1);
      const std::vector<double> right = tridiagonal_eigenvalues(matrix);
      const double norm = std::max(std::abs(right.front()), std::abs(right.back()));
      for (std::size_t i = 0; i + 1 < right.size(); i += 7) {
        std::vector<double> wrong = right;
        wrong[i] -= 25 * static_cast<double>(order) * eps * norm;
        wrong[i + 1] += 25 * static_cast<double>(order) * eps * norm;
        EXPECT_THROW(check_sturm_counts(matrix, wrong), Error)
            << kind.name << ", order " << order << ", " << i;
      }
    }
  }
}

TEST(SturmCheck, FindsANan) {
  EXPECT_THROW(check_sturm_counts({{1, 2, 3}, {0, 0, 0}}, std::vector<double>{1, std::nan(""), 3}), Error);
}

TEST(Tridiagonal, AnEntryThatIsNanOrInfIsRefused) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(tridiagonal_eigenvalues({{1, bad, 1}, {1, 1, 0}}), Error);
    EXPECT_THROW(tridiagonal_eigenvalues({{1, 1, 1}, {1, bad, 0}}), Error);
    EXPECT_NO_THROW(tridiagonal_eigenvalues({{1, 1, 1}, {1, 1, bad}})) << "the last one does not count";
  }
}

}  // namespace
}  // namespace alphahill
