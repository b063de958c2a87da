#include "alphahill/cluster/cost_model.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <new>
#include <stdexcept>

#include "alphahill/base/error.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

const AnalysisSettings one_cast{Format::fp32, {Format::fp32}, 0.1, 0};
const AnalysisSettings three_casts{Format::fp32, {Format::fp32, Format::fp16, Format::bf16}, 0.1, 0};

LayerShape square(std::int64_t order) {
  return shape_of(order, order, Format::bf16, one_cast);
}

double seconds(const CostModel& cost, const LayerShape& shape, int team_size = 1) {
  return cost.seconds(shape, team_size).leader;
}

TEST(CostModel, ATallAndAWideLayerAreTheSame) {
  EXPECT_EQ(shape_of(4096, 14336, Format::bf16, one_cast), shape_of(14336, 4096, Format::bf16, one_cast));
}

TEST(CostModel, EveryDistinctCastIsReadAndDecomposed) {
  const LayerShape shape = shape_of(64, 32, Format::bf16, three_casts);
  EXPECT_EQ(shape.decompositions, 2) << "fp32 and bf16 are one for bf16";
  EXPECT_EQ(bytes_to_read(shape), 2 * 64 * 32 * 2);
}

TEST(CostModel, LargeLayersGrowWithTheCubeOfTheirOrder) {
  const CostModel cost(usual_rates());
  const double ratio = seconds(cost, square(32768)) / seconds(cost, square(16384));
  EXPECT_GT(ratio, 7.5);
  EXPECT_LT(ratio, 8);
}

TEST(CostModel, ATallerLayerTakesLongerByItsGramMatrixAlone) {
  const CostModel cost(usual_rates());
  const auto taking = [&](std::int64_t rows) {
    return seconds(cost, shape_of(rows, 1024, Format::bf16, one_cast));
  };
  EXPECT_NEAR(taking(4096) - taking(3072), taking(3072) - taking(2048), 1e-9);
}

TEST(CostModel, ALayerWithoutWeightsTakesNextToNothing) {
  const CostModel cost(usual_rates());
  EXPECT_LT(seconds(cost, square(0)), 1e-3);
}

TEST(CostModel, ATeamIsFasterThanARankAndItsMembersAreFreeBeforeTheLeader) {
  const CostModel cost(usual_rates());
  const LayerSeconds two = cost.seconds(square(8192), 2);
  EXPECT_LT(two.leader, seconds(cost, square(8192)));
  EXPECT_LT(two.member, two.leader);
  EXPECT_DOUBLE_EQ(cost.work(square(8192), 2), two.leader + two.member);
}

TEST(CostModel, AMeasuredShapeTakesItsMeanFromThenOn) {
  CostModel cost(usual_rates());
  cost.learn(square(512), 1, 3);
  cost.learn(square(512), 1, 5);
  EXPECT_DOUBLE_EQ(seconds(cost, square(512)), 4);
}

TEST(CostModel, OtherShapesFollowOnceSecondsAreMeasured) {
  CostModel cost(usual_rates());
  const double before = seconds(cost, square(1024));
  const double each = seconds(cost, square(4096));
  for (int i = 0; i < 100; ++i) cost.learn(square(4096), 1, 3 * each);
  EXPECT_NEAR(seconds(cost, square(1024)) / before, 3, 0.1);
}

TEST(CostModel, ATimeThatIsNoPositiveNumberTeachesNothing) {
  CostModel cost(usual_rates());
  const double before = seconds(cost, square(512));
  for (const double nonsense : {0.0, -1.0, HUGE_VAL, std::nan("")}) cost.learn(square(512), 1, nonsense);
  EXPECT_EQ(seconds(cost, square(512)), before);
  EXPECT_EQ(cost.slowdown(), 1);
}

TEST(CostModel, ARateThatIsNoPositiveNumberIsRefused) {
  for (const double nonsense : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    Rates rates = usual_rates();
    rates.orders[2].finish = nonsense;
    EXPECT_THROW(CostModel{rates}, Error) << nonsense;
  }
}

/// A CPU whose eigenvalues fail, as those of a broken library may.
class FailingBackend : public Backend {
 public:
  explicit FailingBackend(std::function<Eigenvalues()> reduce) : reduce_(std::move(reduce)) {}
  std::optional<Eigenvalues> gram_eigenvalues(const StoredMatrix&, CastChain, CastSurvey*, Team&) override {
    return reduce_();
  }

 private:
  std::function<Eigenvalues()> reduce_;
};

BackendMaker failing(const std::function<Eigenvalues()>& reduce) {
  return [reduce] { return std::make_unique<FailingBackend>(reduce); };
}

/// No backend, one that fails when it reduces, one that fails when it finishes, and one whose weights are
/// said to be NaN.
std::vector<BackendMaker> failing_backends() {
  const auto no_memory = []() -> Eigenvalues { throw std::bad_alloc(); };
  const auto not_finite = []() -> Eigenvalues {
    return
        []() -> GramSpectrum { throw Error(Fault::internal, "eigenvalues", "their squares add up to -nan"); };
  };
  class NoEigenvalues : public Backend {
    std::optional<Eigenvalues> gram_eigenvalues(const StoredMatrix&, CastChain, CastSurvey*, Team&) override {
      return std::nullopt;
    }
  };
  return {[]() -> std::unique_ptr<Backend> { throw std::runtime_error("no such core"); }, failing(no_memory),
          failing(not_finite), [] { return std::make_unique<NoEigenvalues>(); }};
}

void expect_usual(const Rates& rates) {
  EXPECT_EQ(rates.cast_weights, usual_rates().cast_weights);
  ASSERT_EQ(rates.orders.size(), usual_rates().orders.size());
  EXPECT_EQ(rates.orders[1].gram, usual_rates().orders[1].gram);
  EXPECT_EQ(rates.orders.back().finish, usual_rates().orders.back().finish);
}

TEST(CostModel, WhereCalibrationFailsTheUsualRatesAreAssumedWithOneWarning) {
  for (const BackendMaker& make_backend : failing_backends()) {
    const CapturedLog log;
    expect_usual(measured_rates(4096, make_backend));
    EXPECT_THAT(log.text(), testing::MatchesRegex("warning: [^\n]+; the rates of this core are not measured: "
                                                  "those of an AVX-512 core are assumed[^\n]*\n"));
  }
}

TEST(CostModel, AFailedCalibrationSaysWhy) {
  const CapturedLog log;
  measured_rates(4096, failing_backends()[2]);
  EXPECT_THAT(log.text(),
              testing::StartsWith("warning: eigenvalues: their squares add up to -nan; the rates"));
}

TEST(CostModel, MeasuredRatesArePlausible) {
  const Rates rates = measured_rates(200);
  ASSERT_EQ(rates.orders.size(), 2U) << "64 and 256 are enough";
  for (const RatesAtOrder& at : rates.orders) {
    EXPECT_GT(at.gram, 1e7);
    EXPECT_LT(at.gram, 1e13);
    EXPECT_GT(at.reduction, 1e7);
    EXPECT_LT(at.reduction, 1e13);
  }
}

TEST(CostModel, RatesBeyondTheMeasuredOrdersGrowAsTheUsualOnesDo) {
  const std::vector<RatesAtOrder> measured = measured_rates(10'000).orders;
  const std::vector<RatesAtOrder> usual = usual_rates().orders;
  ASSERT_EQ(measured.size(), usual.size());
  const auto growth = [](const std::vector<RatesAtOrder>& at) { return at.back().gram / at.end()[-2].gram; };
  EXPECT_NEAR(growth(measured), growth(usual), 1e-12);
}

}  // namespace
}  // namespace alphahill
