/// Which layers of a resumed run are computed again.
#include <gmock/gmock.h>

#include <array>

#include "alphahill/analysis/layer_record.hpp"
#include "programs/run/run.hpp"
#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t plenty = std::int64_t{1} << 40;

ResultRow figure(std::int64_t layer, const std::string& precision) {
  ResultRow row;
  row.layer = layer;
  row.precision = precision;
  row.status = Status::ok;
  row.alpha = 3;
  return row;
}

class PrepareRunTest : public testing::Test {
 protected:
  PrepareRunTest() {
    model_.write("config.json", "{}");
    CheckpointBuilder()
        .add("a.weight", "F32", {40, 30})
        .add("b.weight", "F32", {40, 20})
        .write(model_.path());
    options_.model = model_.path().string();
    options_.report.output_dir = output_.path();
    options_.settings = {.load = ElementFormat::fp32,
                         .precisions = {*find_precision("fp32"), *find_precision("bf16")},
                         .k_fraction = 0.1,
                         .share_tolerance = 1e-5};
  }

  alphahill::Run prepare() const {
    return prepare_run(options_, {.ranks = 1, .first = 0, .largest_size = 1}, plenty, {});
  }
  std::vector<std::int64_t> planned() const {
    std::vector<std::int64_t> layers;
    const auto run = prepare();
    for (const PlannedLayer& layer : run.plan.layers) layers.push_back(layer.number);
    return layers;
  }
  void leave(const LayerRecord& record) const { prepare().journal.append(std::array{record}); }
  LayerRecord without_figures(std::int64_t layer, Status status, const std::string& reason) const {
    return record_without_figures(layer, options_.settings, status, reason);
  }
  void crash_in(std::int64_t layer) const {
    auto run = prepare();
    run.journal.note(std::array{Attempt{layer, AttemptEvent::begun}, Attempt{layer, AttemptEvent::crash}});
  }

  const CapturedLog log_;
  const TemporaryFolder model_;
  const TemporaryFolder output_;
  Options options_;
};

TEST_F(PrepareRunTest, LayersThatAreDoneAreNotComputedAgain) {
  leave({.layer = 1, .results = {figure(1, "fp32"), figure(1, "bf16")}, .eigenvalues = {}});
  leave(without_figures(2, Status::no_tail, "flat"));
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(PrepareRunTest, ALayerThatFailedIsComputedAgain) {
  leave({.layer = 1, .results = {figure(1, "fp32"), figure(1, "bf16")}, .eigenvalues = {}});
  leave(without_figures(2, Status::failed, "not enough memory for this layer"));
  EXPECT_THAT(planned(), ElementsAre(2));
  EXPECT_THAT(log_.text(), HasSubstr("tried again: 1 layer without a figure"));
}

TEST_F(PrepareRunTest, ALayerThatFailedAtOnePrecisionIsComputedAgainAndKeepsWhatItHad) {
  LayerRecord record = without_figures(1, Status::failed, "no method served");
  record.results[0] = figure(1, "fp32");
  leave(record);
  EXPECT_THAT(planned(), ElementsAre(1, 2));
  auto run = prepare();
  run.journal.append(with_stored(run.journal, std::array{without_figures(1, Status::failed, "nor today")}));
  EXPECT_TRUE(run.is_done(1)) << "for this run";
  const LayerRecord kept = run.journal.read(1);
  EXPECT_EQ(kept.results[0].status, Status::ok);
  EXPECT_EQ(kept.results[1].reason, "nor today");
}

TEST_F(PrepareRunTest, AFailureAtAPrecisionThatIsNotAskedForStays) {
  LayerRecord record = without_figures(1, Status::failed, "no method served");
  record.results[1] = figure(1, "bf16");
  leave(record);
  Options other = options_;
  other.settings.precisions = {*find_precision("bf16")};
  const auto run = prepare_run(other, {.ranks = 1, .first = 0, .largest_size = 1}, plenty, {});
  EXPECT_TRUE(run.is_done(1));
}

TEST_F(PrepareRunTest, ALayerThatWasNotSupportedAndNowIsIsComputed) {
  leave(without_figures(1, Status::unsupported, "quantized codes"));
  EXPECT_THAT(planned(), ElementsAre(1, 2));
  auto run = prepare();
  run.journal.append(with_stored(run.journal, std::array{without_figures(1, Status::failed, "no memory")}));
  EXPECT_EQ(run.journal.read(1).results[0].reason, "no memory");
}

TEST_F(PrepareRunTest, ALayerThatIsStillNotSupportedIsDone) {
  CheckpointBuilder().add("a.weight", "F32", {40, 30}).add("b.weight", "I32", {40, 20}).write(model_.path());
  EXPECT_THAT(planned(), ElementsAre(1));
  const auto run = prepare();
  EXPECT_TRUE(run.is_done(2));
  EXPECT_EQ(run.journal.read(2).results[0].status, Status::unsupported);
}

TEST_F(PrepareRunTest, ALayerThatBroughtRunsDownStaysSetAside) {
  crash_in(2);
  crash_in(2);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(planned(), ElementsAre(1)) << i;
  EXPECT_EQ(prepare().journal.read(2).results[0].reason, "crashed the run twice");
}

TEST_F(PrepareRunTest, ALayerThatIsSetAsideStaysSoWhenTheRunGrows) {
  crash_in(2);
  crash_in(2);
  EXPECT_THAT(planned(), ElementsAre(1));
  options_.settings.precisions.push_back(*find_precision("fp16"));
  EXPECT_THAT(planned(), ElementsAre(1));
  EXPECT_EQ(prepare().journal.read(2).results[2].reason, "crashed the run twice");
}

TEST_F(PrepareRunTest, WhereItReplacesARunWithoutAFigureNothingOfThatIsLeft) {
  leave(without_figures(1, Status::failed, "not enough memory for this layer"));
  const std::vector<std::string> old{results_name, results_csv_name, "report_settings.json",
                                     "plots/category_mlp.png"};
  for (const std::string& name : old) output_.write(name, "of the run before");
  output_.write("notes.txt", "mine");
  static_cast<void>(prepare());
  for (const std::string& name : old) EXPECT_TRUE(std::filesystem::exists(output_.path() / name)) << name;
  options_.settings.k_fraction = 0.5;
  static_cast<void>(prepare());
  for (const std::string& name : old) EXPECT_FALSE(std::filesystem::exists(output_.path() / name)) << name;
  EXPECT_TRUE(std::filesystem::exists(output_.path() / "notes.txt"));
}

TEST_F(PrepareRunTest, CrashNotesOfAnotherRunCountAgainstNoLayer) {
  output_.write("alpha_hill.crashed.2", "");
  EXPECT_EQ(prepare().journal.attempts(2).crashes, 0);
}

}  // namespace
}  // namespace alphahill
