#include "alphahill/analysis/layer_record.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "support/temporary_folder.hpp"
#include "support/thread_team.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

const AnalysisSettings record_settings{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 0};

const std::vector<std::int64_t> first{1};

/// Adds a layer of rows x cols weights, in a file of bare fp32 values of its own.
void add_layer(Catalog& catalog, const TemporaryFolder& folder, const std::string& name, std::int64_t rows,
               std::int64_t cols, const std::vector<float>& weights) {
  const std::string_view bytes(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
  const File file = File::open_for_reading(folder.write(name, bytes));
  Layer layer;
  layer.name = name;
  layer.out_features = rows;
  layer.in_features = cols;
  layer.layout = Plain{ElementFormat::fp32,
                       {.file = std::ssize(catalog.files), .rows = rows, .cols = cols, .row_stride = cols}};
  catalog.files.push_back({name, file.size(), file.modification_time_ns()});
  catalog.layers.push_back(layer);
}

/// A checkpoint of one layer.
class OneLayer {
 public:
  OneLayer(std::int64_t rows, std::int64_t cols, const std::vector<float>& weights) {
    add_layer(catalog_, folder_, "weights", rows, cols, weights);
  }

  Catalog& catalog() { return catalog_; }
  std::filesystem::path path() const { return folder_.path() / "weights"; }
  LayerRecord record(const AnalysisSettings& settings = record_settings) const {
    SingleRank alone;
    std::vector<LayerRecord> records;
    compute_records(catalog_, first, settings, *make_cpu_backend(), 3, alone, records);
    return records.front();
  }

 private:
  TemporaryFolder folder_;
  Catalog catalog_{folder_.path(), "00", {}, {}};
};

std::vector<float> some_weights(std::size_t count) {
  std::vector<float> weights(count);
  for (std::size_t i = 0; i < count; ++i) weights[i] = std::sin(static_cast<float>(i * i + 1));
  return weights;
}

TEST(LayerRecord, OfATeamNamesItsLeaderAndItsSize) {
  OneLayer layer(20, 16, some_weights(320));
  std::vector<LayerRecord> of_leader;
  run_as_team(2, [&](Team& team) {
    std::vector<LayerRecord> records;
    compute_records(layer.catalog(), first, record_settings, *make_cpu_backend(), 4, team, records);
    if (team.rank() == 0) of_leader = records;
  });
  EXPECT_EQ(of_leader.front().results.front().rank, 4);
  EXPECT_EQ(of_leader.front().results.front().team_size, 2);
}

TEST(LayerRecord, EveryPrecisionHasARowAndEveryDistinctCastASpectrum) {
  const LayerRecord record = OneLayer(20, 16, some_weights(320)).record();
  ASSERT_EQ(record.results.size(), 3U);
  EXPECT_EQ(record.eigenvalues.size(), 3 * 16U);
  for (std::size_t p = 0; p < 3; ++p) {
    const ResultRow& row = record.results[p];
    EXPECT_EQ(row.layer, 1);
    EXPECT_EQ(row.rank, 3);
    EXPECT_EQ(row.status, Status::ok);
    EXPECT_EQ(row.method, "gram_eigen");
    EXPECT_EQ(row.k_used, 10);
    EXPECT_EQ(row.n_eigs, 16);
    EXPECT_EQ(row.spectrum_offset, static_cast<std::int64_t>(16 * p));
    EXPECT_EQ(row.lambda_max, record.eigenvalues[16 * p + 15]);
    EXPECT_GE(row.stable_rank, 1);
    EXPECT_LE(row.stable_rank, 16);
    EXPECT_GT(row.effective_rank, 1.0 / 16);
    EXPECT_LT(row.effective_rank, 1);
    EXPECT_EQ(row.clipped, 0);
  }
  EXPECT_EQ(record.results[0].largest_error, 0);
  EXPECT_GT(record.results[2].largest_error, record.results[1].largest_error);
  EXPECT_EQ(record.results[0].cast_error, 0);
  EXPECT_LT(record.results[1].cast_error, record.results[2].cast_error);
}

TEST(LayerRecord, ASharedSpectrumIsStoredOnce) {
  const LayerRecord record = OneLayer(4, 3, {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}).record();
  EXPECT_EQ(record.eigenvalues.size(), 3U);
  EXPECT_EQ(record.results[0].shares, "");
  for (const std::size_t p : {1, 2}) {
    EXPECT_EQ(record.results[p].shares, "fp32");
    EXPECT_EQ(record.results[p].share_bound, 0);
    EXPECT_EQ(record.results[p].seconds, 0);
    EXPECT_EQ(record.results[p].alpha, record.results[0].alpha);
  }
}

TEST(LayerRecord, AnOverflowIsCountedAndHasNoFigure) {
  auto weights = some_weights(320);
  weights[7] = weights[8] = 70000;
  const LayerRecord record = OneLayer(20, 16, weights).record();
  EXPECT_EQ(record.results[1].status, Status::nonfinite);
  EXPECT_EQ(record.results[1].reason, "2 of 320 fp16 weights are NaN or Inf");
  EXPECT_EQ(record.results[1].method, "") << "there is no spectrum";
  EXPECT_EQ(record.results[1].k_used, -1);
  EXPECT_EQ(record.results[1].spectrum_length, 0);
  EXPECT_TRUE(std::isnan(record.results[1].alpha));
  EXPECT_EQ(record.results[2].status, Status::ok);
}

TEST(LayerRecord, NanWeightsAreNotSharedAsAFigure) {
  const LayerRecord record = OneLayer(2, 2, {1, 2, 3, std::nanf("")}).record();
  for (const ResultRow& row : record.results) {
    EXPECT_EQ(row.status, Status::nonfinite);
    EXPECT_EQ(row.reason, "1 of 4 " + row.precision + " weights are NaN or Inf");
    EXPECT_EQ(row.shares, "");
  }
}

TEST(LayerRecord, WeightsThatCannotBeOpenedAreAFailureOfTheirLayerAlone) {
  OneLayer checkpoint(20, 16, some_weights(320));
  checkpoint.catalog().layers[0].layout = Unsupported{"their scale is NaN", {}};
  const LayerRecord record = checkpoint.record();
  ASSERT_EQ(record.results.size(), 3U);
  EXPECT_EQ(record.results[0].status, Status::failed);
  EXPECT_EQ(record.results[0].reason, "weights: their scale is NaN");
}

TEST(LayerRecord, ARowOrNothingIsDegenerate) {
  const LayerRecord one_row = OneLayer(1, 3, {1, 2, 3}).record();
  const LayerRecord nothing = OneLayer(0, 3, {}).record();
  EXPECT_EQ(one_row.results[0].method, "gram_eigen");
  EXPECT_EQ(nothing.results[0].method, "") << "there is no spectrum";
  for (const ResultRow& row : {one_row.results[0], nothing.results[0]}) {
    EXPECT_EQ(row.status, Status::degenerate);
    EXPECT_EQ(row.n_eigs, -1);
    EXPECT_EQ(row.reason, "fewer than two eigenvalues");
  }
}

TEST(LayerRecord, ZerosHaveNoTail) {
  const ResultRow row = OneLayer(4, 4, std::vector<float>(16)).record().results[0];
  EXPECT_EQ(row.status, Status::no_tail);
  EXPECT_EQ(row.method, "gram_eigen");
  EXPECT_EQ(row.reason, "all eigenvalues are zero");
}

TEST(LayerRecord, ASpectrumWithoutATailSaysHowItWasComputed) {
  std::vector<float> rank_one(256);
  for (std::size_t i = 0; i < 256; ++i) rank_one[i] = static_cast<float>((1 + i / 16) * (1 + i % 16));
  const ResultRow row = OneLayer(16, 16, rank_one).record().results[0];
  EXPECT_EQ(row.status, Status::no_tail);
  EXPECT_TRUE(is_svd(row.method)) << row.method;
  EXPECT_EQ(row.spectrum_length, 16);
}

TEST(LayerRecord, AFileThatHasChangedEndsTheRun) {
  OneLayer layer(2, 2, {1, 2, 3, 4});
  layer.catalog().files[0].size += 1;
  EXPECT_THROW(layer.record(), Error);
}

/// A backend in whose time the checkpoint is changed, and which finds no eigenvalues.
class ChangingBackend : public Backend {
 public:
  explicit ChangingBackend(std::filesystem::path file) : file_(std::move(file)) {}
  std::unique_ptr<Reduction> reduce(const WeightSource&, CastChain, CastSurvey*, Team&) override {
    std::filesystem::last_write_time(file_, std::filesystem::file_time_type());
    throw Error(Fault::internal, "dsterf", "did not converge");
  }

 private:
  std::filesystem::path file_;
};

TEST(LayerRecord, AFileThatChangesWhileTheLayerIsComputedEndsTheRunEvenIfTheLayerFails) {
  OneLayer layer(2, 2, {1, 2, 3, 4});
  ChangingBackend backend(layer.path());
  SingleRank alone;
  std::vector<LayerRecord> records;
  const auto error = thrown_by(
      [&] { compute_records(layer.catalog(), first, record_settings, backend, 0, alone, records); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
}

/// The CPU, with something that happens before a layer is read.
class EventfulBackend : public Backend {
 public:
  explicit EventfulBackend(std::function<void()> before_reading)
      : before_reading_(std::move(before_reading)) {}
  std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                    Team& team) override {
    before_reading_();
    return cpu_->reduce(matrix, chain, survey, team);
  }

 private:
  std::function<void()> before_reading_;
  std::unique_ptr<Backend> cpu_ = make_cpu_backend();
};

/// Layers 1, 2 and 3, in a file each, that take their steps in turn: each is read three times.
class LayersTogether : public testing::Test {
 protected:
  LayersTogether() {
    for (const std::string name : {"1", "2", "3"})
      add_layer(catalog_, folder_, name, 20, 16, some_weights(320));
  }

  /// @param at_reading  called before each reading, with its number among all that there are, from 1
  void compute(const std::function<void(int)>& at_reading) {
    constexpr std::array<std::int64_t, 3> layers{1, 2, 3};
    SingleRank alone;
    EventfulBackend backend([&] { at_reading(++readings); });
    error =
        thrown_by([&] { compute_records(catalog_, layers, record_settings, backend, 0, alone, records); });
  }
  std::vector<std::int64_t> finished() const {
    std::vector<std::int64_t> layers;
    for (const LayerRecord& record : records) layers.push_back(record.layer);
    return layers;
  }
  std::filesystem::path file_of_second() const { return folder_.path() / "2"; }
  static void cut_short() { throw Error(Fault::input, "2", "the file ends early"); }

  std::vector<LayerRecord> records;
  std::optional<Error> error;
  int readings = 0;

 private:
  TemporaryFolder folder_;
  Catalog catalog_{folder_.path(), "00", {}, {}};
};

TEST_F(LayersTogether, AfterAFailureTheRunningLayersAreFinishedAndNoOtherIsBegun) {
  compute([](int reading) {
    if (reading == 2) cut_short();
  });
  EXPECT_STREQ(error.value().what(), "2: the file ends early");
  EXPECT_EQ(finished(), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(readings, 4) << "three of the first layer, one of the second";
}

TEST_F(LayersTogether, AFailureInTheMidstCostsNoneOfTheOthers) {
  compute([](int reading) {
    if (reading == 5) cut_short();
  });
  EXPECT_STREQ(error.value().what(), "2: the file ends early");
  ASSERT_EQ(finished(), (std::vector<std::int64_t>{1, 3}));
  for (const LayerRecord& record : records) {
    for (const ResultRow& row : record.results) EXPECT_EQ(row.status, Status::ok);
  }
}

TEST_F(LayersTogether, AFileThatChangesMeanwhileCostsNoneOfTheOthers) {
  compute([&](int reading) {
    if (reading == 9) std::filesystem::last_write_time(file_of_second(), {});
  });
  EXPECT_EQ(error.value().fault(), Fault::input);
  EXPECT_EQ(finished(), (std::vector<std::int64_t>{1, 3}));
}

TEST_F(LayersTogether, AFileThatIsNotThereCostsNoLayerBeforeIt) {
  std::filesystem::remove(file_of_second());
  compute([](int) {});
  EXPECT_TRUE(error);
  EXPECT_EQ(finished(), (std::vector<std::int64_t>{1}));
}

TEST_F(LayersTogether, OfTwoFailuresTheFirstIsThrown) {
  compute([](int reading) {
    if (reading == 4 || reading == 6) throw Error(Fault::input, std::to_string(reading), "ends early");
  });
  EXPECT_STREQ(error.value().what(), "4: ends early");
  EXPECT_EQ(finished(), (std::vector<std::int64_t>{2}));
}

TEST(LayerRecord, WithoutFiguresEveryPrecisionSaysWhy) {
  const LayerRecord record = record_without_figures(5, record_settings, Status::unsupported, "GPTQ codes");
  ASSERT_EQ(record.results.size(), 3U);
  EXPECT_EQ(record.results[2].precision, "bf16");
  EXPECT_EQ(record.results[2].status, Status::unsupported);
  EXPECT_EQ(record.results[2].method, "");
  EXPECT_EQ(record.results[2].reason, "GPTQ codes");
}

/// Two layers of 2 x 16 weights, each fused with the other where that is asked for.
class FusedLayers : public testing::Test {
 protected:
  FusedLayers() {
    add_layer(catalog_, folder_, "q", 2, 16, weights_of({0x1p-12F, 0x1p-12F}));
    add_layer(catalog_, folder_, "k", 2, 16, weights_of({2688, -1344}));
    const std::vector<Layer> layers = catalog_.layers;
    for (std::size_t i = 0; i < 2; ++i) catalog_.layers[i].fused_with = {layers[1 - i]};
  }

  static std::vector<float> weights_of(std::vector<float> weights) {
    weights.resize(32);
    return weights;
  }
  LayerRecord record(const AnalysisSettings& settings, int members = 1) const {
    LayerRecord of_leader;
    run_as_team(members, [&](Team& team) {
      std::vector<LayerRecord> records;
      compute_records(catalog_, first, settings, *make_cpu_backend(), 0, team, records);
      if (team.rank() == 0) of_leader = records.front();
    });
    return of_leader;
  }

  TemporaryFolder folder_;
  Catalog catalog_{folder_.path(), "00", {}, {}};
  AnalysisSettings settings_{ElementFormat::fp32, {}, 0.1, 0};
};

/// By 2688 the scale of the tensor is 1, and that of the group 2^-12/6: 0 in E4M3, in place of which 1/8 stands.
TEST_F(FusedLayers, ShareTheScaleOfTheTensorOfNvfp4) {
  settings_.survey = {parse_precision("nvfp4", "survey")};
  EXPECT_EQ(record(settings_).results[0].zeroed, 0);
  EXPECT_EQ(record(settings_).results[0].cast_error, 0);
  settings_.fuse_scales = true;
  for (const int members : {1, 2, 3}) {
    const ResultRow row = record(settings_, members).results[0];
    EXPECT_EQ(row.zeroed, 2.0 / 32) << members;
    EXPECT_EQ(row.largest_error, 0x1p-12) << members;
    EXPECT_EQ(row.cast_error, 1) << members;
  }
}

/// By 2688 the scale is 6: 2^-12 / 6 is below half of 2^-9, the least that E4M3 has.
TEST_F(FusedLayers, ShareTheScaleOfFp8ThatIsTheTensorsAndNoOther) {
  for (const char* precision :
       {"fp8_e4m3_tensor", "fp8_e4m3", "fp8_e4m3_block128", "int4", "mxfp4", "fp16"}) {
    settings_.survey.push_back(parse_precision(precision, "survey"));
  }
  const std::vector<ResultRow> apart = record(settings_).results;
  settings_.fuse_scales = true;
  const std::vector<ResultRow> fused = record(settings_).results;
  EXPECT_LT(apart[0].cast_error, 0x1p-20);
  EXPECT_EQ(fused[0].cast_error, 1);
  for (std::size_t p = 1; p < fused.size(); ++p) {
    EXPECT_EQ(fused[p].cast_error, apart[p].cast_error) << fused[p].precision;
  }
}

TEST_F(FusedLayers, HaveTheSpectrumOfTheSharedScale) {
  settings_.precisions = {ElementFormat::fp32, parse_precision("fp8_e4m3_tensor", "precisions")};
  settings_.fuse_scales = true;
  const LayerRecord fused = record(settings_);
  EXPECT_EQ(fused.results[0].status, Status::no_tail);
  EXPECT_EQ(fused.results[1].lambda_max, 0);
  EXPECT_GT(fused.results[0].lambda_max, 0);
}

TEST_F(FusedLayers, HaveNoFigureBesideAnInfiniteWeightAndPassOverNan) {
  add_layer(catalog_, folder_, "v", 2, 16, weights_of({HUGE_VALF}));
  add_layer(catalog_, folder_, "n", 2, 16, weights_of({1, std::nanf("")}));
  settings_.survey = {parse_precision("nvfp4", "survey"), parse_precision("fp8_e4m3_tensor", "survey")};
  settings_.fuse_scales = true;
  const auto all_are = [&](Status status) {
    for (const ResultRow& row : record(settings_).results) EXPECT_EQ(row.status, status) << row.precision;
  };
  catalog_.layers[0].fused_with = {catalog_.layers[2]};
  all_are(Status::nonfinite);
  catalog_.layers[0].fused_with = {catalog_.layers[3]};
  all_are(Status::surveyed);
}

TEST_F(FusedLayers, OneWithoutPartnersIsAsItIs) {
  settings_.survey = {parse_precision("nvfp4", "survey")};
  settings_.fuse_scales = true;
  catalog_.layers[0].fused_with.clear();
  EXPECT_EQ(record(settings_).results[0].cast_error, 0);
}

TEST_F(FusedLayers, APartnerThatHasChangedOnDiskEndsTheRun) {
  settings_.survey = {parse_precision("nvfp4", "survey")};
  folder_.write("k", "shorter");
  EXPECT_EQ(record(settings_).results[0].status, Status::surveyed) << "nobody reads it";
  settings_.fuse_scales = true;
  for (const int members : {1, 2}) {
    run_as_team(members, [&](Team& team) {
      std::vector<LayerRecord> records;
      const auto error = thrown_by(
          [&] { compute_records(catalog_, first, settings_, *make_cpu_backend(), 0, team, records); });
      ASSERT_TRUE(error);
      EXPECT_EQ(error->fault(), Fault::input);
    });
  }
}

}  // namespace
}  // namespace alphahill
