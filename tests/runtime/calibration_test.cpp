#include "alphahill/runtime/calibration.hpp"

#include <gmock/gmock.h>

#include <new>
#include <stdexcept>

#include "alphahill/base/error.hpp"
#include "support/captured_log.hpp"
#include "support/reductions.hpp"

namespace alphahill {
namespace {

using MakeReduction = std::function<std::unique_ptr<Reduction>()>;

/// A CPU whose eigenvalues fail, as those of a broken library may.
class FailingBackend : public Backend {
 public:
  explicit FailingBackend(MakeReduction reduce) : reduce_(std::move(reduce)) {}
  std::unique_ptr<Reduction> reduce(const WeightSource&, CastChain, CastSurvey*, Team&) override {
    return reduce_();
  }

 private:
  MakeReduction reduce_;
};

BackendMaker failing(const MakeReduction& reduce) {
  return [reduce] { return std::make_unique<FailingBackend>(reduce); };
}

/// No backend, one that fails when it reduces, one that fails when it finishes, and one whose weights are
/// said to be NaN.
std::vector<BackendMaker> failing_backends() {
  const auto no_memory = []() -> std::unique_ptr<Reduction> { throw std::bad_alloc(); };
  const auto not_finite = []() -> std::unique_ptr<Reduction> {
    return reduction_by([]() -> GramSpectrum {
      throw Error(Fault::internal, "eigenvalues", "their squares add up to -nan");
    });
  };
  class NoEigenvalues : public Backend {
    std::unique_ptr<Reduction> reduce(const WeightSource&, CastChain, CastSurvey*, Team&) override {
      return nullptr;
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

TEST(Calibration, WhereCalibrationFailsTheUsualRatesAreAssumedWithOneWarning) {
  for (const BackendMaker& make_backend : failing_backends()) {
    const CapturedLog log;
    expect_usual(measured_rates(4096, make_backend));
    EXPECT_THAT(log.text(), testing::MatchesRegex("warning: [^\n]+; the rates of this core are not measured: "
                                                  "those of an AVX-512 core are assumed[^\n]*\n"));
  }
}

TEST(Calibration, AFailedCalibrationSaysWhy) {
  const CapturedLog log;
  measured_rates(4096, failing_backends()[2]);
  EXPECT_THAT(log.text(),
              testing::StartsWith("warning: eigenvalues: their squares add up to -nan; the rates"));
}

TEST(Calibration, MeasuredRatesArePlausible) {
  const Rates rates = measured_rates(200);
  ASSERT_EQ(rates.orders.size(), 2U) << "64 and 256 are enough";
  for (const RatesAtOrder& at : rates.orders) {
    EXPECT_GT(at.gram, 1e7);
    EXPECT_LT(at.gram, 1e13);
    EXPECT_GT(at.reduction, 1e7);
    EXPECT_LT(at.reduction, 1e13);
  }
}

TEST(Calibration, RatesBeyondTheMeasuredOrdersGrowAsTheUsualOnesDo) {
  const std::vector<RatesAtOrder> measured = measured_rates(10'000).orders;
  const std::vector<RatesAtOrder> usual = usual_rates().orders;
  ASSERT_EQ(measured.size(), usual.size());
  const auto growth = [](const std::vector<RatesAtOrder>& at) { return at.back().gram / at.end()[-2].gram; };
  EXPECT_NEAR(growth(measured), growth(usual), 1e-12);
}

}  // namespace
}  // namespace alphahill
