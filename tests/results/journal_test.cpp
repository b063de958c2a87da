#include "alphahill/results/journal.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "alphahill/results/results_file.hpp"
#include "results/file_size_limit.hpp"
#include "results/journal_fixture.hpp"
#include "results/journal_frames.hpp"

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

TEST_F(JournalTest, WhatTheLastRunAskedForComesBack) {
  fill({example_record(1)});
  EXPECT_EQ(open().asked(), (Asked{run_.precisions, ""}));
  RunDescription fewer = run_;
  fewer.precisions = {"fp16"};
  fewer.filter_layers = "lm_head";
  fewer.layers = {run_.layers[2]};
  static_cast<void>(Journal::open_or_resume(path(), {fewer, run_.layers}));
  EXPECT_EQ(Journal::open_for_reading(path()).asked(), (Asked{{"fp16"}, "lm_head"}));
  static_cast<void>(Journal::open_or_resume(path(), {fewer, run_.layers, false}));
  EXPECT_EQ(Journal::open_for_reading(path()).asked(), (Asked{{"fp16"}, "lm_head", false}));
  EXPECT_EQ(open().asked(), (Asked{run_.precisions, ""}));
  expect_same(open().read(1), example_record(1));
}

TEST_F(JournalTest, RecordsOfTheLastRunAreToldFromThoseThatItFound) {
  fill({example_record(1)});
  EXPECT_TRUE(Journal::open_for_reading(path()).is_of_last_run(1));
  Journal resumed = open();
  resumed.append(std::array{example_record(2)});
  const Journal watched = Journal::open_for_reading(path());
  for (const Journal* journal : {&std::as_const(resumed), &watched}) {
    EXPECT_FALSE(journal->is_of_last_run(1));
    EXPECT_TRUE(journal->is_of_last_run(2));
    EXPECT_FALSE(journal->is_of_last_run(3)) << "it has no record";
  }
}

TEST_F(JournalTest, TheEndOfARunComesBackUntilTheNextOneBegins) {
  fill({example_record(1)});
  open().note_ending({75, "the reason"});
  EXPECT_EQ(Journal::open_for_reading(path()).ending(), (Ending{75, "the reason"}));
  EXPECT_FALSE(open().ending());
  EXPECT_FALSE(Journal::open_for_reading(path()).ending());
  expect_same(open().read(1), example_record(1));
}

TEST_F(JournalTest, ARecordBehindTheEndOfARunIsKept) {
  fill({example_record(1)});
  open().note_ending({1, ""});
  open().append(std::array{example_record(2)});
  expect_same(open().read(2), example_record(2));
}

// So that no journal is misread by another version, what these two tests see changes with record_version alone.

TEST_F(JournalTest, AFrameOnDiskHasTheseBytes) {
  fill({{.layer = 1, .results = {}, .eigenvalues = {1.5}}});
  EXPECT_THAT(bytes(), EndsWith("\xA1HFR"
                                "\x02"                // kind: LayerRecord
                                "\x22\0\0\0"          // payload bytes
                                "\xAD\xC6\xD9\x63"    // CRC-32C
                                "\x05\0"              // version of the record
                                "\x01\0\0\0\0\0\0\0"  // layer
                                "\0\0\0\0\0\0\0\0"    // number of results
                                "\x01\0\0\0\0\0\0\0"  // number of eigenvalues
                                "\0\0\0\0\0\0\xF8\x3F"s));
}

TEST_F(JournalTest, TheFieldsOfRunAndRecordHaveTheseSizesAndChecksums) {
  const auto ends = fill({example_record(1)});
  EXPECT_THAT(bytes(), StartsWith("ALPHAHILL-JOURNAL-3\n"
                                  "\xA1HFR\x01\x04\x02\0\0\x99\xEE\x6E\x1A"s));
  EXPECT_THAT(bytes().substr(ends[0]), StartsWith("\xA1HFR\x02"
                                                  "\x8B\x02\0\0\x6B\x01\x20\x9B"s));
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

TEST_F(JournalTest, AJournalThatIsRemovedDuringTheRunIsNoticed) {
  Journal journal = open();
  std::filesystem::remove(path());
  EXPECT_EQ(
      reason_of([&] { journal.append(std::array{example_record(1)}); }),
      path().string() + ": it was removed while the run was in progress, and what was finished with it");
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

/// As the next run of the same folder, with a wider filter and one precision more.
TEST_F(JournalTest, MoreLayersAndPrecisionsKeepWhatIsThere) {
  RunDescription first = run_;
  first.layers = {run_.layers[1]};
  first.precisions = {"fp32"};
  LayerRecord record = example_record(1);
  record.results.resize(1);
  record.eigenvalues.resize(3);
  {
    Journal journal = Journal::open_or_resume(path(), {first, run_.layers});
    journal.append(std::array{record});
    journal.note(std::array{Attempt{1, AttemptEvent::begun}});
  }
  folder_.write("run.journal.tmp", std::string(10'000, 'x'));  // what a killed run left
  const Journal journal = open();
  EXPECT_EQ(journal.finished(), 1);
  EXPECT_TRUE(journal.has(2, std::vector<std::string>{"fp32"}));
  EXPECT_FALSE(journal.has(2, run_.precisions));
  EXPECT_EQ(journal.attempts(2).unexplained, 1) << "since its record";
  EXPECT_EQ(journal.run().layers.size(), 3U);
  record.layer = record.results[0].layer = 2;
  expect_same(journal.read(2), record);
}

/// As a later version of the program, which reads layers that this one does not support.
TEST_F(JournalTest, LayersThatWereNotSupportedMayBeOthersNow) {
  LayerRecord unsupported = failed_record(2);
  for (ResultRow& row : unsupported.results) row.status = Status::unsupported;
  LayerRecord split = unsupported;
  split.layer = 3;
  fill({example_record(1), unsupported, split});
  RunDescription later = run_;
  later.layers[1].in_features = 24;
  later.layers[1].stored_dtype = "I32";
  later.layers[2].name = "lm_head.0";
  later.layers.push_back(later.layers[2]);
  later.layers[3].name = "lm_head.1";
  {
    const Journal journal = Journal::open_or_resume(path(), later);
    ASSERT_EQ(journal.run().layers.size(), 4U);
    EXPECT_EQ(journal.run().layers[1].in_features, 24);
    EXPECT_EQ(journal.finished(), 2);
    expect_same(journal.read(1), example_record(1));
  }
  later.layers[0].in_features = 24;
  EXPECT_THAT(reason_of([&] { Journal::open_or_resume(path(), later); }),
              HasSubstr("its layer '層.0.q_proj' is 4x3 BF16, here 4x24 BF16"));
}

TEST_F(JournalTest, FewerLayersAndPrecisionsLeaveWhatTheJournalHas) {
  fill({example_record(1)});
  const std::string before = bytes();
  RunDescription fewer = run_;
  fewer.layers = {run_.layers[0]};
  fewer.precisions = {"bf16"};
  const Journal journal = Journal::open_or_resume(path(), {fewer, run_.layers});
  EXPECT_EQ(journal.run().layers.size(), 3U);
  EXPECT_TRUE(journal.has(1, fewer.precisions));
  EXPECT_THAT(bytes(), StartsWith(before));
}

TEST_F(JournalTest, ARecordResetsTheAttemptsBeforeIt) {
  Journal journal = open();
  for (int i = 0; i < 2; ++i) {
    journal.note(std::array{Attempt{1, AttemptEvent::begun}});
    journal.append(std::array{example_record(1)});
    EXPECT_EQ(journal.attempts(1).unexplained, 0);
  }
  EXPECT_EQ(Journal::open_for_reading(path()).attempts(1).unexplained, 0);
}

/// A field more in the middle, as of a later version.
TEST_F(JournalTest, ARecordOfANewerVersionIsRefused) {
  fill({example_record(1)});
  std::string newer = bytes();
  std::vector<std::byte> frame;
  std::vector<std::byte> payload = to_bytes(std::uint16_t{record_version + 1});
  append_frame(frame, FrameKind::layer, payload);
  newer.append(reinterpret_cast<const char*>(frame.data()), frame.size());
  set_bytes(newer);
  EXPECT_THAT(
      reason_of_open(),
      HasSubstr("it has version 6 of the records, this program reads 3 to 5: a newer alpha-hill wrote it"));
  EXPECT_EQ(bytes(), newer) << "and left as it was";
  set_bytes("ALPHAHILL-JOURNAL-4\n");
  EXPECT_THAT(reason_of_open(), HasSubstr("a newer alpha-hill wrote it"));
}

TEST_F(JournalTest, OneOfAVersionBeforeTheLastIsRefused) {
  set_bytes("ALPHAHILL-JOURNAL-2\n");
  EXPECT_EQ(reason_of_open(), path().string() +
                                  ": it has version 2 of the records, this program reads 3 to 5: compute it "
                                  "again with --restart");
}

TEST_F(JournalTest, ARecordThatIsNoneIsPassedOver) {
  fill({example_record(1)});
  std::string bad = bytes();
  std::vector<std::byte> frame;
  std::vector<std::byte> payload = to_bytes(std::uint16_t{record_version});
  payload.resize(payload.size() + 11);
  append_frame(frame, FrameKind::layer, payload);
  bad.append(reinterpret_cast<const char*>(frame.data()), frame.size());
  set_bytes(bad);
  EXPECT_EQ(open().finished(), 1);
  EXPECT_THAT(log_.text(), HasSubstr("is no record of this program"));
}

TEST_F(JournalTest, ARecordWhoseSpectrumLiesOutsideItIsPassedOver) {
  LayerRecord record = example_record(1);
  for (const std::int64_t offset : {std::int64_t{-1}, std::int64_t{4}, INT64_MAX}) {
    record.results[1].spectrum_offset = offset;
    open().append(std::array{record});
    EXPECT_EQ(open().finished(), 0) << offset;
  }
  EXPECT_THAT(log_.text(), HasSubstr("a spectrum lies outside the record's eigenvalues"));
}

struct OtherSetting {
  const char* expected;
  std::function<void(RunDescription&)> change;
};

TEST_F(JournalTest, AJournalOfOtherSettingsIsRefusedWithAllThatDiffer) {
  fill({example_record(1)});
  const std::vector<OtherSetting> others{
      {"whose --load-dtype is 'fp32', expected 'bf16'", [](auto& run) { run.load_dtype = "bf16"; }},
      {"whose --k-frac is '0.1', expected '0.10000000000000002'",
       [](auto& run) { run.k_frac = std::nextafter(0.1, 1); }},
      {"whose --share-tolerance is '0', expected '1e-05'", [](auto& run) { run.share_tolerance = 1e-5; }},
      {"whose --fuse-scales is 'on', expected 'off'", [](auto& run) { run.fuse_scales = false; }},
      {"whose --load-dtype is 'fp32', expected 'fp16', and whose --k-frac is '0.1', expected '0.5'",
       [](auto& run) {
         run.load_dtype = "fp16";
         run.k_frac = 0.5;
       }},
      {"of another model, 'org/modèle', not 'x': its config.json, headers or weights are others",
       [](auto& run) {
         run.model = "x";
         run.model_fingerprint = "ffff";
       }},
      {"of 'org/modèle' as it was before it changed: its config.json, headers or weights are others",
       [](auto& run) { run.model_fingerprint = "ffff"; }},
      {"of another model, 'org/modèle', not 'x': it has a layer 'lm_head', which this one lacks",
       [](auto& run) {
         run.model = "x";
         run.model_fingerprint = "ffff";
         run.layers.pop_back();
       }},
      {"of another model, 'org/modèle', not 'x': it lacks the layer 'new' of this one",
       [](auto& run) {
         run.model = "x";
         run.model_fingerprint = "ffff";
         run.layers.push_back(run.layers[0]);
         run.layers.back().name = "new";
       }},
      {"of another model, 'org/modèle', not 'x': its layer '層.0.up_proj' is 8x3 I32, here 8x3 F16",
       [](auto& run) {
         run.model = "x";
         run.model_fingerprint = "ffff";
         run.layers[1].stored_dtype = "F16";
       }},
  };
  for (const OtherSetting& other : others) {
    RunDescription run = run_;
    other.change(run);
    EXPECT_EQ(reason_of([&] { Journal::open_or_resume(path(), run); }),
              path().string() + ": it belongs to a run " + other.expected +
                  "; use `--restart` to begin anew, or another --output-dir");
  }
  EXPECT_EQ(open().finished(), 1) << "and it is left as it was";
}

TEST_F(JournalTest, AJournalWithoutAFigureIsBegunAnewForAnotherModelOrSettingAndSaysSo) {
  LayerRecord nonfinite = failed_record(2);
  for (ResultRow& row : nonfinite.results) row.status = Status::nonfinite;
  fill({failed_record(1), nonfinite});
  EXPECT_FALSE(open().replaces_another());
  RunDescription other = run_;
  other.model = "x";
  other.model_fingerprint = "ffff";
  {
    const Journal journal = Journal::open_or_resume(path(), other);
    EXPECT_EQ(journal.finished(), 0);
    EXPECT_TRUE(journal.replaces_another());
  }
  EXPECT_THAT(log_.text(), HasSubstr("it belonged to a run of another model, 'org/modèle', not 'x'"));
  other.k_frac = 0.5;
  EXPECT_EQ(Journal::open_or_resume(path(), other).run().k_frac, 0.5);
  EXPECT_EQ(Journal::open_for_reading(path()).run().model, "x");
}

TEST_F(JournalTest, AJournalThatIsBegunWhereThereWasNoneReplacesNone) {
  EXPECT_FALSE(open().replaces_another());
  set_bytes("");
  EXPECT_FALSE(open().replaces_another());
}

TEST_F(JournalTest, RowsThatAreReconsideredAreMissingUntilALaterRecordIsOnDisk) {
  LayerRecord record = example_record(1);
  record.results[1] = failed_record(1).results[1];
  fill({record});
  Journal journal = open();
  const std::vector<std::string> fp32{"fp32"};
  EXPECT_FALSE(journal.reconsider(1, fp32, Status::failed)) << "it has not failed at fp32";
  EXPECT_TRUE(journal.has(1, run_.precisions));
  EXPECT_TRUE(journal.reconsider(1, run_.precisions, Status::failed));
  EXPECT_FALSE(journal.has(1, run_.precisions));
  EXPECT_TRUE(journal.has(1, fp32));
  expect_same(journal.read(1), record);
  journal.append(std::array{record});
  EXPECT_TRUE(journal.has(1, run_.precisions));
  EXPECT_FALSE(journal.reconsider(2, run_.precisions, Status::failed)) << "it has no record";
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
