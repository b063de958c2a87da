#include "alphahill/results/results_file.hpp"

#include <H5Cpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdio.h>

#include <array>
#include <cmath>
#include <fstream>

#include "alphahill/base/bytes.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "results/example_run.hpp"
#include "results/file_size_limit.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ResultsFileTest : public testing::Test {
 protected:
  /// Layers 1 and 3 have figures, layer 2 failed.
  static std::optional<LayerRecord> example(std::int64_t layer) {
    return layer == 2 ? failed_record(layer) : example_record(layer);
  }
  ResultsFile written(const std::function<std::optional<LayerRecord>(std::int64_t)>& record_of) const {
    write_results(path_, run_, everything_in(run_), record_of);
    return ResultsFile::open(path_);
  }
  std::string reason_of_open() const {
    try {
      ResultsFile::open(path_);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  std::string bytes() const { return read_text(path_, 1 << 26); }

  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "alpha_hill.h5";
  const RunDescription run_ = example_run();
};

TEST_F(ResultsFileTest, TheRunAndEveryColumnComeBack) {
  const ResultsFile file = written(example);
  EXPECT_EQ(to_bytes(file.run()), to_bytes(run_));
  EXPECT_TRUE(file.complete());
  std::vector<ResultRow> expected;
  for (const std::int64_t layer : {1, 2, 3}) {
    const LayerRecord record = *example(layer);
    for (ResultRow row : record.results) {
      if (layer == 3) row.spectrum_offset += 6;
      expected.push_back(row);
    }
  }
  EXPECT_EQ(to_bytes(file.results()), to_bytes(expected));
}

TEST_F(ResultsFileTest, WhatTheLastRunAskedForComesBackAndIsEverythingWhereTheFileDoesNotSayIt) {
  const Asked asked{{"bf16", "fp32"}, "層", false};
  write_results(path_, run_, asked, example);
  EXPECT_EQ(ResultsFile::open(path_).asked(), asked);
  H5::H5File(path_.string(), H5F_ACC_RDWR).removeAttr("asked_precisions");
  EXPECT_EQ(ResultsFile::open(path_).asked(), (Asked{run_.precisions, "", true}));
}

TEST_F(ResultsFileTest, ASharedSpectrumIsStoredOnceAndEveryRowFindsItsOwn) {
  const ResultsFile file = written(example);
  const auto& rows = file.results();
  EXPECT_EQ(file.spectrum(rows[0]), (std::vector<double>{1, 4, 9}));
  EXPECT_EQ(file.spectrum(rows[1]), (std::vector<double>{2, 5, 8}));
  EXPECT_EQ(file.spectrum(rows[2]), (std::vector<double>{1, 4, 9})) << "shared";
  EXPECT_THAT(file.spectrum(rows[3]), IsEmpty()) << "failed";
  EXPECT_EQ(file.spectrum(rows[6]), (std::vector<double>{1, 4, 27}));
  H5::H5File hdf5(path_.string(), H5F_ACC_RDONLY);
  EXPECT_EQ(hdf5.openDataSet("/spectra/eigenvalues").getSpace().getSimpleExtentNpoints(), 12);
}

TEST_F(ResultsFileTest, ASpectrumOutsideTheFileIsRefused) {
  const ResultsFile file = written(example);
  ResultRow row = file.results()[0];
  for (const auto& [offset, length] : {std::pair{11, 3}, {-1, 3}, {0, -1}}) {
    row.spectrum_offset = offset;
    row.spectrum_length = length;
    try {
      file.spectrum(row);
      ADD_FAILURE() << offset << " " << length;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("layer 1 at fp32: its spectrum lies outside the 12 eigenvalues"));
    }
  }
}

TEST_F(ResultsFileTest, RecordsAreAskedForOnceInOrder) {
  std::vector<std::int64_t> asked;
  written([&](std::int64_t layer) {
    asked.push_back(layer);
    return example(layer);
  });
  EXPECT_EQ(asked, (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(ResultsFileTest, AnIncompleteRunHasTheRowsOfItsFinishedLayers) {
  const ResultsFile file = written(
      [](std::int64_t layer) { return layer == 2 ? std::nullopt : std::optional(example_record(layer)); });
  EXPECT_FALSE(file.complete());
  EXPECT_EQ(file.run().layers.size(), 3U);
  ASSERT_EQ(file.results().size(), 6U);
  EXPECT_EQ(file.results()[3].layer, 3);
  EXPECT_EQ(file.spectrum(file.results()[3]), (std::vector<double>{1, 4, 27}));
}

TEST_F(ResultsFileTest, ARunWithoutAnyFinishedLayerIsReadBack) {
  const ResultsFile file = written([](std::int64_t) { return std::nullopt; });
  EXPECT_FALSE(file.complete());
  EXPECT_THAT(file.results(), IsEmpty());
}

TEST_F(ResultsFileTest, SpectraLongerThanAChunkComeBack) {
  LayerRecord record = example_record(1);
  record.eigenvalues.resize(50'000);
  for (std::size_t i = 0; i < record.eigenvalues.size(); ++i)
    record.eigenvalues[i] = static_cast<double>(i) / 3;
  record.results[0].spectrum_length = 50'000;
  const ResultsFile file =
      written([&](std::int64_t layer) { return layer == 1 ? record : failed_record(layer); });
  EXPECT_EQ(file.spectrum(file.results()[0]), record.eigenvalues);
}

TEST_F(ResultsFileTest, PythonSeesTablesAndColumnsInOrder) {
  written(example);
  const std::string command =
      fmt::format("{} '{}' '{}'", ALPHAHILL_PYTHON, ALPHAHILL_LIST_COLUMNS, path_.string());
  FILE* python = ::popen(command.c_str(), "r");
  ASSERT_NE(python, nullptr);
  std::array<char, 4096> printed{};
  const std::size_t size = ::fread(printed.data(), 1, printed.size(), python);
  ASSERT_EQ(::pclose(python), 0);
  EXPECT_EQ(
      std::string(printed.data(), size),
      "layers: name category out_features in_features numel stored_dtype source_file stored_as "
      "bits_per_weight dequantized predicts_further_tokens\n"
      "results: layer precision alpha alpha_stderr k_used n_eigs method status reason shares share_bound "
      "error_bound cast_error lambda_max stable_rank largest_error zeroed clipped effective_rank seconds "
      "rank "
      "team_size spectrum_offset spectrum_length\n"
      "spectra: eigenvalues\n"
      "層.0.q_proj 層.0.up_proj lm_head\n"
      "fp32 fp16 bf16 org/modèle 1\n");
}

TEST_F(ResultsFileTest, MetricsAreWrittenARowOfTheResultsAndReadBackOrComputed) {
  const std::vector<std::string> names{"stable_rank", "hill_10pct"};
  const auto values_of = [&](const ResultsFile& file) {
    std::vector<std::vector<double>> values;
    for (const ResultRow& row : file.results()) values.push_back(file.metrics(row, names));
    return values;
  };
  const auto computed = values_of(written(example));
  write_results(path_, run_, everything_in(run_), example, names);
  const auto stored = values_of(ResultsFile::open(path_));
  ASSERT_EQ(stored.size(), 9U);
  EXPECT_EQ(to_bytes(stored), to_bytes(computed)) << "NaN is as equal as any";
  EXPECT_DOUBLE_EQ(stored[0][0], 14.0 / 9);
  EXPECT_DOUBLE_EQ(stored[1][0], 15.0 / 8);
  EXPECT_EQ(stored[2], stored[0]) << "a shared spectrum";
  for (std::size_t row = 3; row < 6; ++row) EXPECT_TRUE(std::isnan(stored[row][0])) << "without a spectrum";

  const H5::Group group = H5::H5File(path_.string(), H5F_ACC_RDONLY).openGroup("metrics");
  for (const char* column : {"layer", "precision", "stable_rank", "hill_10pct"}) {
    EXPECT_EQ(group.openDataSet(column).getSpace().getSimpleExtentNpoints(), 9) << column;
  }
  EXPECT_EQ(group.getNumObjs(), 4U);
}

TEST_F(ResultsFileTest, MetricsThatTheFileLacksAreComputedBesideThoseThatItHas) {
  write_results(path_, run_, everything_in(run_), example, {"stable_rank"});
  const ResultsFile file = ResultsFile::open(path_);
  const std::vector<double> values = file.metrics(file.results()[0], {"stable_rank", "spectral_norm"});
  EXPECT_DOUBLE_EQ(values[0], 14.0 / 9);
  EXPECT_DOUBLE_EQ(values[1], 9);
}

TEST_F(ResultsFileTest, AMissingFileIsNamed) {
  EXPECT_EQ(reason_of_open(), path_.string() + ": open failed: No such file or directory");
}

TEST_F(ResultsFileTest, WhatIsNotHdf5IsRefused) {
  for (const char* other : {"", "layer_name,category\n", "\x89HDF\r\n\x1a\n"}) {
    folder_.write("alpha_hill.h5", other);
    EXPECT_EQ(reason_of_open(), path_.string() +
                                    ": expected a whole results file of alpha-hill (H5File constructor: "
                                    "H5Fopen failed)");
  }
}

TEST_F(ResultsFileTest, AnotherHdf5FileIsRefused) {
  H5::H5File(path_.string(), H5F_ACC_TRUNC);
  EXPECT_THAT(
      reason_of_open(),
      HasSubstr("expected a whole results file of alpha-hill (H5File::openAttribute: H5Aopen failed)"));
}

TEST_F(ResultsFileTest, ANewerOrMuchOlderVersionIsRefused) {
  const auto refusal_of = [&](std::int64_t version) {
    written(example);
    H5::H5File(path_.string(), H5F_ACC_RDWR)
        .openAttribute("schema_version")
        .write(H5::PredType::NATIVE_INT64, &version);
    return reason_of_open();
  };
  EXPECT_EQ(refusal_of(6), path_.string() +
                               ": it has version 6 of the records, this program reads 3 to 5: a newer "
                               "alpha-hill wrote it, use that one");
  EXPECT_EQ(refusal_of(2), path_.string() +
                               ": it has version 2 of the records, this program reads 3 to 5: compute "
                               "it again with --restart");
}

TEST_F(ResultsFileTest, AnOptionalColumnThatIsNotThereHasItsDefaults) {
  written(example);
  {
    const H5::H5File file(path_.string(), H5F_ACC_RDWR);
    file.unlink("results/stable_rank");
    file.unlink("results/reason");
  }
  const ResultsFile file = ResultsFile::open(path_);
  for (const ResultRow& row : file.results()) {
    EXPECT_TRUE(std::isnan(row.stable_rank));
    EXPECT_EQ(row.reason, "");
  }
}

TEST_F(ResultsFileTest, ColumnsOfDifferentLengthsAreRefused) {
  written(example);
  {
    const H5::H5File file(path_.string(), H5F_ACC_RDWR);
    file.unlink("/results/alpha");
    const hsize_t length = 2;
    file.createDataSet("/results/alpha", H5::PredType::NATIVE_DOUBLE, H5::DataSpace(1, &length));
  }
  EXPECT_EQ(reason_of_open(), path_.string() + ": column alpha of table results has 2 values, expected 9");
}

TEST_F(ResultsFileTest, AFileCutShortAnywhereIsRefused) {
  written(example);
  const std::string whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += size < 100 ? 1 : 997) {
    folder_.write("alpha_hill.h5", whole.substr(0, size));
    EXPECT_THAT(reason_of_open(), HasSubstr("expected a whole results file of alpha-hill")) << size;
  }
}

// HDF5 itself ends in a segmentation fault at most of these sizes.
TEST_F(ResultsFileTest, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  written(example);
  const std::string before = bytes();
  for (std::int64_t size = 0; size < std::ssize(before); size += 509) {
    const FileSizeLimit disk(size);
    try {
      write_results(path_, run_, everything_in(run_), example);
      ADD_FAILURE() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::system);
      EXPECT_THAT(error.what(), HasSubstr("alpha_hill.h5.tmp: pwrite failed: File too large")) << size;
    }
    EXPECT_FALSE(std::filesystem::exists(path_.string() + ".tmp"));
  }
  EXPECT_EQ(bytes(), before);
  EXPECT_TRUE(written(example).complete()) << "once there is space";
}

TEST_F(ResultsFileTest, AFullDiskStopsALongRunSoon) {
  RunDescription run = run_;
  run.layers.resize(1000, run.layers[0]);
  LayerRecord record = example_record(1);
  record.eigenvalues.assign(10'000, 1.5);
  std::int64_t asked = 0;
  const FileSizeLimit disk(16'000);
  EXPECT_THROW(write_results(path_, run, everything_in(run),
                             [&](std::int64_t layer) {
                               asked = layer;
                               return record;
                             }),
               Error);
  EXPECT_LT(asked, 1000);
}

TEST_F(ResultsFileTest, AnErrorOfTheRecordsPassesThroughAndLeavesTheOldFile) {
  written(example);
  const std::string before = bytes();
  try {
    write_results(path_, run_, everything_in(run_), [](std::int64_t layer) -> std::optional<LayerRecord> {
      if (layer == 2) throw Error(Fault::input, "journal", "damaged");
      return example_record(layer);
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "journal: damaged");
  }
  EXPECT_EQ(bytes(), before);
}

TEST_F(ResultsFileTest, TwentyThousandLayersAreWrittenAndRead) {
  RunDescription run = run_;
  run.layers.resize(20'000, run.layers[0]);
  write_results(path_, run, everything_in(run), [&](std::int64_t layer) {
    LayerRecord record = example_record(layer);
    record.eigenvalues.resize(64 * 3, static_cast<double>(layer));
    return record;
  });
  const ResultsFile file = ResultsFile::open(path_);
  ASSERT_EQ(file.results().size(), 60'000U);
  EXPECT_EQ(file.results().back().spectrum_offset, 19'999 * 64 * 3);
  EXPECT_EQ(file.spectrum(file.results().back()), (std::vector<double>{1, 4, 180'000}));
}

}  // namespace
}  // namespace alphahill
