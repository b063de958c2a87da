#include "alphahill/results/journal.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>

#include "alphahill/results/results_file.hpp"
#include "results/file_size_limit.hpp"
#include "results/journal_fixture.hpp"

namespace alphahill {
namespace {

using namespace std::string_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(JournalTest, RecordsComeBackFromAReopenedJournal) {
  fill({example_record(2), failed_record(1)});
  const Journal journal = open();
  EXPECT_EQ(journal.finished(), 2);
  EXPECT_TRUE(journal.has(1) && journal.has(2) && !journal.has(3));
  expect_same(journal.read(1), failed_record(1));
  expect_same(journal.read(2), example_record(2));
  EXPECT_EQ(to_bytes(journal.run()), to_bytes(run_));
}

TEST_F(JournalTest, SeveralRecordsInOneAppendComeBack) {
  const std::array records{example_record(1), example_record(3), failed_record(2)};
  open().append(records);
  const Journal journal = open();
  for (const LayerRecord& record : records) expect_same(journal.read(record.layer), record);
}

TEST_F(JournalTest, ARecordCanBeReadWhileTheJournalIsOpen) {
  Journal journal = open();
  journal.append(std::array{example_record(1)});
  journal.append(std::array{example_record(2)});
  expect_same(journal.read(1), example_record(1));
  expect_same(journal.read(2), example_record(2));
}

// So that no journal is misread by another version, what these two tests see changes with the magic alone.

TEST_F(JournalTest, AFrameOnDiskHasTheseBytes) {
  fill({{.layer = 1, .results = {}, .eigenvalues = {1.5}}});
  EXPECT_THAT(bytes(), EndsWith("\xA1HFR"
                                "\x02"                // kind: LayerRecord
                                "\x20\0\0\0"          // payload bytes
                                "\x5E\x75\x63\x86"    // CRC-32C
                                "\x01\0\0\0\0\0\0\0"  // layer
                                "\0\0\0\0\0\0\0\0"    // number of results
                                "\x01\0\0\0\0\0\0\0"  // number of eigenvalues
                                "\0\0\0\0\0\0\xF8\x3F"s));
}

TEST_F(JournalTest, TheFieldsOfRunAndRecordHaveTheseSizesAndChecksums) {
  const auto ends = fill({example_record(1)});
  EXPECT_THAT(bytes(), StartsWith("ALPHAHILL-JOURNAL-2\n"
                                  "\xA1HFR\x01\xB7\x01\0\0\x19\xF4\x8D\x62"s));
  EXPECT_THAT(bytes().substr(ends[0]), StartsWith("\xA1HFR\x02"
                                                  "\x1D\x02\0\0\x2C\xF2\x59\x7C"s));
}

TEST_F(JournalTest, TheLaterOfTwoRecordsOfALayerHolds) {
  fill({failed_record(1), example_record(1)});
  EXPECT_EQ(open().finished(), 1);
  expect_same(open().read(1), example_record(1));
}

TEST_F(JournalTest, ALayerThatTheRunDoesNotHaveIsRefused) {
  Journal journal = open();
  for (const std::int64_t layer : {0, 4}) {
    EXPECT_THAT(reason_of([&] { journal.append(std::array{failed_record(layer)}); }),
                HasSubstr("there is no layer"));
  }
  EXPECT_EQ(journal.finished(), 0);
}

TEST_F(JournalTest, AMissingRecordIsNamed) {
  EXPECT_EQ(reason_of([&] { open().read(2); }), path().string() + ": there is no record of layer 2");
}

TEST_F(JournalTest, AnotherProcessIsKeptOut) {
  const Journal journal = open();
  const auto other = [&](auto open_journal) {
    std::cerr << reason_of(open_journal);
    ::_exit(0);
  };
  EXPECT_EXIT(other([&] { open(); }), testing::ExitedWithCode(0),
              "run.lock: another run is using this folder: pid [0-9]+ on ");
  EXPECT_EXIT(other([&] { Journal::restart(path(), run_); }), testing::ExitedWithCode(0),
              "run.lock: another run is using this folder: pid [0-9]+ on ");
}

TEST_F(JournalTest, AFailedAppendLeavesTheEarlierRecordsAndALaterOneWorks) {
  Journal journal = open();
  journal.append(std::array{example_record(1)});
  const std::string before = bytes();
  {
    const FileSizeLimit disk(std::ssize(before) + 100);
    EXPECT_EQ(reason_of([&] {
                journal.append(std::array{example_record(2), example_record(3)});
              }),
              path().string() + ": pwrite failed: File too large; the layers finished before are kept");
  }
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(journal.finished(), 1);
  journal.append(std::array{example_record(3)});
  expect_same(journal.read(1), example_record(1));
  expect_same(journal.read(3), example_record(3));
}

TEST_F(JournalTest, AJournalThatIsRemovedUnderWayIsNoticed) {
  Journal journal = open();
  std::filesystem::remove(path());
  EXPECT_EQ(reason_of([&] { journal.append(std::array{example_record(1)}); }),
            path().string() + ": it was removed while the run was under way, and what was finished with it");
}

TEST_F(JournalTest, AJournalThatFindsNoSpaceAtItsBeginningCanBeBegunLater) {
  {
    const FileSizeLimit disk(30);
    EXPECT_THAT(reason_of_open(), HasSubstr("pwrite failed: File too large"));
  }
  fill({example_record(1)});
  EXPECT_EQ(open().finished(), 1);
}

TEST_F(JournalTest, RestartForgetsWhateverWasThere) {
  fill({example_record(1)});
  RunDescription other = run_;
  other.k_frac = 0.5;
  EXPECT_EQ(Journal::restart(path(), other).finished(), 0);
  set_bytes("not a journal");
  EXPECT_EQ(Journal::restart(path(), other).run().k_frac, 0.5);
  EXPECT_EQ(Journal::open_or_resume(path(), other).finished(), 0);
}

TEST_F(JournalTest, ResultsWrittenInTheMiddleOfARunLeaveItAsItWas) {
  Journal journal = open();
  journal.append(std::array{example_record(1)});
  const auto results = folder_.path() / "run.h5";
  write_results(results, journal);
  EXPECT_FALSE(ResultsFile::open(results).complete());
  journal.append(std::array{example_record(2), example_record(3)});
  write_results(results, journal);
  EXPECT_TRUE(ResultsFile::open(results).complete());
  for (const std::int64_t layer : {1, 2, 3}) expect_same(journal.read(layer), example_record(layer));
}

TEST_F(JournalTest, ARunThatIsWritingCanBeWatched) {
  Journal journal = open();
  journal.append(std::array{example_record(2)});
  const Journal watched = Journal::open_for_reading(path());
  expect_same(watched.read(2), example_record(2));
  EXPECT_EQ(watched.run().layers.size(), 3U);
}

TEST_F(JournalTest, WatchingPassesOverATornTailAndLeavesIt) {
  const auto ends = fill({example_record(1), example_record(2)});
  const std::string torn = bytes().substr(0, ends[2] - 1);
  set_bytes(torn);
  EXPECT_EQ(Journal::open_for_reading(path()).finished(), 1);
  EXPECT_EQ(bytes(), torn);
}

TEST_F(JournalTest, ThereIsNothingToWatchInAnEmptyOrMissingJournal) {
  EXPECT_THAT(reason_of([&] { Journal::open_for_reading(path()); }), HasSubstr("No such file or directory"));
  set_bytes("");
  EXPECT_EQ(reason_of([&] { Journal::open_for_reading(path()); }),
            path().string() + ": expected a journal, found no run in it");
}

struct OtherSetting {
  const char* expected;
  std::function<void(RunDescription&)> change;
};

TEST_F(JournalTest, AJournalOfOtherSettingsIsRefusedWithTheFirstThatDiffers) {
  fill({example_record(1)});
  const std::vector<OtherSetting> others{
      {"model fingerprint is '0123abcd', expected 'ffff'", [](auto& run) { run.model_fingerprint = "ffff"; }},
      {"--load-dtype is 'fp32', expected 'bf16'", [](auto& run) { run.load_dtype = "bf16"; }},
      {"--precisions is 'fp32,fp16,bf16', expected 'fp16,fp32,bf16'",
       [](auto& run) {
         run.precisions = {"fp16", "fp32", "bf16"};
       }},
      {"--k-frac is '0.1', expected '0.10000000000000002'",
       [](auto& run) { run.k_frac = std::nextafter(0.1, 1); }},
      {"--share-tolerance is '0', expected '1e-05'", [](auto& run) { run.share_tolerance = 1e-5; }},
      {"--filter-layers is '', expected '\\x1b'", [](auto& run) { run.filter_layers = "\x1b"; }},
      {"number of layers is '3', expected '2'", [](auto& run) { run.layers.pop_back(); }},
      {"layer 2 is '層.0.up_proj (mlp_up, 8x3, 24 values, BF16 in model-1.safetensors)', expected "
       "'層.0.up_proj (mlp_up, 8x3, 24 values, F16 in model-1.safetensors)'",
       [](auto& run) { run.layers[1].stored_dtype = "F16"; }},
  };
  for (const OtherSetting& other : others) {
    RunDescription run = run_;
    other.change(run);
    EXPECT_EQ(reason_of([&] { Journal::open_or_resume(path(), run); }),
              path().string() + ": it belongs to a run whose " + other.expected +
                  "; use `--restart` to begin anew, or another --output-dir");
  }
  EXPECT_EQ(open().finished(), 1) << "and it is left as it was";
}

TEST_F(JournalTest, AnotherNameOfTheModelHostOrVersionGoesOn) {
  fill({example_record(1)});
  RunDescription run = run_;
  run.model = "/models/copy";
  run.host = "node8";
  run.version = "1.1";
  const Journal journal = Journal::open_or_resume(path(), run);
  EXPECT_EQ(journal.finished(), 1);
  EXPECT_EQ(journal.run().host, "node7");
  EXPECT_EQ(log_.text(), "warning: " + path().string() + ": begun by version 1.0, going on with 1.1\n");
}

}  // namespace
}  // namespace alphahill
