/// What happens where a method fails: the next one computes the spectrum, or this precision alone is without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <new>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/arithmetic_check.hpp"
#include "spectrum/reduce/gram_check.hpp"
#include "support/matrices.hpp"
#include "support/reductions.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

const AnalysisSettings usual{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 0};

void keeps(GramSpectrum&) {}

/// The CPU's backend, whose decompositions of one precision fail.
class FailingBackend final : public Backend {
 public:
  /// @param reduction  called before the reduction; @param rest  called with the eigenvalues that are found
  FailingBackend(ElementFormat precision, std::function<void()> reduction,
                 std::function<void(GramSpectrum&)> rest)
      : precision_(precision), reduction_(std::move(reduction)), rest_(std::move(rest)) {}

  std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                    Team& team) override {
    const bool fails = chain.precision.element == precision_;
    if (fails) do_together(team, reduction_);
    std::shared_ptr<Reduction> reduction = cpu_->reduce(matrix, chain, survey, team);
    return reduction_by([reduction, rest = fails ? rest_ : keeps] {
      GramSpectrum spectrum = reduction->finish();
      rest(spectrum);
      return spectrum;
    });
  }

 private:
  ElementFormat precision_;
  std::function<void()> reduction_;
  std::function<void(GramSpectrum&)> rest_;
  std::unique_ptr<Backend> cpu_ = make_cpu_backend();
};

void nothing() {}
[[noreturn]] void fails() {
  throw Error(Fault::internal, "dgeqrt", "failed with INFO = 1");
}

std::vector<PrecisionFigures> figures_of(const RowMajor& matrix, Backend& backend) {
  SingleRank alone;
  return analyse(stored(matrix), usual, backend, alone);
}

void expect_same_but_for_the_method(const std::vector<PrecisionFigures>& found,
                                    const std::vector<PrecisionFigures>& expected) {
  for (std::size_t p = 0; p < expected.size(); ++p) {
    ASSERT_TRUE(found[p].spectrum) << p;
    const auto& eigenvalues = expected[p].spectrum->eigenvalues;
    const double tolerance = 4 * static_cast<double>(eigenvalues.size()) * eps * eigenvalues.back();
    EXPECT_THAT(found[p].spectrum->eigenvalues,
                testing::Pointwise(testing::DoubleNear(tolerance), eigenvalues));
    EXPECT_DOUBLE_EQ(found[p].cast_error, expected[p].cast_error);
    EXPECT_DOUBLE_EQ(found[p].squared_norm, expected[p].squared_norm);
  }
}

struct Defect {
  const char* name;
  std::function<void()> reduction;
  std::function<void(GramSpectrum&)> rest;
  const char* reason;
};

class Fallback : public testing::TestWithParam<std::tuple<Defect, ElementFormat>> {};

TEST_P(Fallback, IsToLapackOnAGramMatrixThatIsSummedAgain) {
  const auto& [defect, precision] = GetParam();
  const RowMajor matrix = random_matrix(60, 40, 1);
  FailingBackend backend(precision, defect.reduction, defect.rest);
  const auto found = figures_of(matrix, backend);
  expect_same_but_for_the_method(found, figures_of(matrix, *make_cpu_backend()));
  for (std::size_t p = 0; p < usual.precisions.size(); ++p) {
    const bool fails_here = usual.precisions[p].element == precision;
    EXPECT_EQ(found[p].spectrum->method, fails_here ? Method::gram_eigen_dsyevd : Method::gram_eigen);
    EXPECT_THAT(found[p].failed_methods, testing::HasSubstr(fails_here ? defect.reason : ""));
    EXPECT_EQ(found[p].failed_methods.empty(), !fails_here);
  }
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const Defect defects[] = {
    {"Reduction", fails, keeps, "gram_eigen: dgeqrt: failed with INFO = 1"},
    {"Eigenvalues", nothing, [](GramSpectrum&) { fails(); }, "gram_eigen: dgeqrt: failed with INFO = 1"},
    {"Memory", [] { throw std::bad_alloc(); }, keeps, "gram_eigen: not enough memory for this layer"},
    {"AWrongEigenvalue", nothing, [](GramSpectrum& spectrum) { spectrum.eigenvalues.back() *= 1.0001; },
     "gram_eigen: eigenvalues: their sum is"},
    {"ANan", nothing, [](GramSpectrum& spectrum) { spectrum.eigenvalues[3] = nan; },
     "gram_eigen: eigenvalues: their sum is"}};

INSTANTIATE_TEST_SUITE_P(Defects, Fallback,
                         testing::Combine(testing::ValuesIn(defects),
                                          testing::Values(ElementFormat::fp32, ElementFormat::fp16,
                                                          ElementFormat::bf16)),
                         [](const auto& test) {
                           return std::get<Defect>(test.param).name +
                                  std::string(name_of(std::get<ElementFormat>(test.param)));
                         });

/// What a layer reads of itself changes: its second and third reading, for the Gram matrix and the SVD.
TEST(Fallback, APrecisionThatEveryMethodFailsLeavesTheOthersAlone) {
  const RowMajor matrix = random_matrix(60, 40, 1);
  const RowMajor other = random_matrix(60, 40, 2);
  bool changed = false;
  const PlainWeights changing(stored(matrix).shape(), [&](const Block& block, std::span<std::byte> bytes) {
    stored(changed ? other : matrix).read(block, bytes);
  });
  FailingBackend backend(ElementFormat::fp16, nothing, [&](GramSpectrum&) {
    changed = true;
    fails();
  });
  SingleRank alone;
  const AnalysisSettings order_of_failure{
      ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::bf16, ElementFormat::fp16}, 0.1, 0};
  const auto found = analyse(changing, order_of_failure, backend, alone);
  EXPECT_TRUE(found[0].spectrum && found[1].spectrum);
  EXPECT_FALSE(found[2].spectrum);
  for (const char* method : {"gram_eigen: ", "gram_eigen_dsyevd: ", "svd_full: "}) {
    EXPECT_THAT(found[2].failed_methods, testing::HasSubstr(method));
  }
}

/// The CPU's backend, whose reductions fail before or after they have surveyed the weights.
class FailingReduction final : public Backend {
 public:
  explicit FailingReduction(bool surveys) : surveys_(surveys) {}

  std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                    Team& team) override {
    if (surveys_) cpu_->reduce(matrix, chain, survey, team);
    fails();
  }

 private:
  bool surveys_;
  std::unique_ptr<Backend> cpu_ = make_cpu_backend();
};

class SurveyOfAFailedReduction : public testing::TestWithParam<bool> {};

/// Either way the weights are read once for the survey and once for the Gram matrix that LAPACK decomposes.
TEST_P(SurveyOfAFailedReduction, IsMadeOnce) {
  const RowMajor matrix = random_matrix(60, 40, 1);
  std::int64_t weights_read = 0;
  const PlainWeights counted(stored(matrix).shape(), [&](const Block& block, std::span<std::byte> bytes) {
    weights_read += block.rows * block.cols;
    stored(matrix).read(block, bytes);
  });
  FailingReduction backend(GetParam());
  SingleRank alone;
  const auto found = analyse(counted, {ElementFormat::fp32, {ElementFormat::fp32}, 0.1, 0}, backend, alone);
  EXPECT_EQ(weights_read, 2 * matrix.size());
  EXPECT_EQ(found[0].spectrum->method, Method::gram_eigen_dsyevd);
  EXPECT_NEAR(found[0].squared_norm, rounded_to_fp32(matrix).squaredNorm(), 1e-9 * matrix.squaredNorm());
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, SurveyOfAFailedReduction, testing::Bool(),
                         [](const auto& test) { return test.param ? "AfterTheSurvey" : "BeforeTheSurvey"; });

class FallbackOfTeam : public testing::TestWithParam<int> {};

TEST_P(FallbackOfTeam, IsTheLeadersWhereItHasTheMemory) {
  const RowMajor matrix = random_matrix(500, 300, 1);
  const auto expected = figures_of(matrix, *make_cpu_backend());
  run_as_team(GetParam(), [&](Team& team) {
    const bool last = team.rank() == team.size() - 1;
    FailingBackend backend(
        ElementFormat::fp32,
        [last] {
          if (last) fails();
        },
        keeps);
    const auto found = analyse(stored(matrix), usual, backend, team);
    if (team.rank() > 0) return;
    expect_same_but_for_the_method(found, expected);
    EXPECT_EQ(found[0].spectrum->method, Method::gram_eigen_dsyevd);
    EXPECT_EQ(found[1].spectrum->method, Method::gram_eigen);
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, FallbackOfTeam, testing::Values(2, 3));

/// The Gram matrix of a layer, and the check fed with its panels.
struct CheckedMatrix {
  explicit CheckedMatrix(const RowMajor& matrix) : check(stored(matrix)) {
    const PlainWeights layer = stored(matrix);
    gram.emplace(layer.order(), alone);
    for_each_panel(layer, {ElementFormat::fp32, ElementFormat::fp32}, nullptr, alone,
                   [&](const Panel& panel) {
                     gram->add_gram(panel.values.data(), panel.depth, layer.wide());
                     check.add(panel);
                   });
  }

  SingleRank alone;
  std::optional<SymmetricShare> gram;
  GramCheck check;
};

TEST(GramCheck, AcceptsWhatIsSummedRightAndFindsOneWrongEntry) {
  for (const auto& [rows, cols] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {300, 90}, {90, 20000}, {200, 200}}) {
    for (const RowMajor& matrix :
         {random_matrix(rows, cols, 1), RowMajor(RowMajor::Constant(rows, cols, 0.1)),
          RowMajor(RowMajor::Zero(rows, cols))}) {
      CheckedMatrix checked(matrix);
      EXPECT_NO_THROW(checked.check.compare(*checked.gram, checked.alone)) << rows << " x " << cols;
      const std::int64_t order = std::min(rows, cols);
      *checked.gram->at(order - 1, order / 2) +=
          1e-4 * matrix.squaredNorm() / static_cast<double>(order) + 1e-30;
      EXPECT_THROW(checked.check.compare(*checked.gram, checked.alone), Error) << rows << " x " << cols;
    }
  }
}

TEST(ArithmeticCheck, PassesHere) {
  EXPECT_NO_THROW(check_arithmetic());
}

}  // namespace
}  // namespace alphahill
