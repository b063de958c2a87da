/// What a journal tells of a run.
#include "programs/report/status.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>

#include "alphahill/base/error.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/schedule/cost_model.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* precision = "fp32";

LayerRow layer(const std::string& name, std::int64_t rows, std::int64_t cols) {
  return {.name = name,
          .category = "mlp_up",
          .out_features = rows,
          .in_features = cols,
          .numel = rows * cols,
          .stored_dtype = "F32",
          .source_file = "model.safetensors"};
}

/// Four layers: three of one shape, one larger.
RunDescription example_run() {
  return {.model = "org/model",
          .model_fingerprint = "0123abcd",
          .load_dtype = "fp32",
          .precisions = {precision},
          .k_frac = 0.1,
          .filter_layers = "",
          .version = "1.0",
          .host = "node7",
          .layers = {layer("a", 100, 100), layer("b", 100, 100), layer("c", 100, 100), layer("d", 200, 200)}};
}

LayerRecord record(std::int64_t number, double seconds, std::int32_t rank, Status status = Status::ok) {
  ResultRow row;
  row.layer = number;
  row.precision = precision;
  row.status = status;
  row.reason = status == Status::ok ? "" : "the reason";
  row.seconds = seconds;
  row.rank = rank;
  return {.layer = number, .results = {row}, .eigenvalues = {}};
}

LockOwner owner() {
  return {.host = "node7", .boot = "a", .pid = 4711, .job = "100", .requeues = 0, .since = "today"};
}

/// Of a run that goes on, two seconds after its last record.
RunSigns signs_of(Liveness liveness, const SlurmJob& job = {}, double seconds_since_record = 2) {
  return {FoundLock{owner(), liveness}, {job, {}}, seconds_since_record};
}

constexpr auto running = SlurmJob::State::running;
constexpr auto suspended = SlurmJob::State::suspended;
constexpr auto pending = SlurmJob::State::pending;

class StatusTest : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / journal_name; }
  std::string status_after(const std::vector<LayerRecord>& records,
                           const RunDescription& run = example_run()) const {
    Journal journal = Journal::restart(path(), run);
    journal.append(records);
    return status();
  }
  /// Of the run whose journal is there.
  std::string status(const RunSigns& signs = signs_of(Liveness::alive)) const {
    return status_text(Journal::open_for_reading(path()), signs);
  }
  std::filesystem::path results() const { return folder_.path() / results_name; }
  /// Of a run that has ended, seven seconds after its last record.
  std::string status_without_lock(const SlurmJobs& jobs = {}) const {
    return status({.lock = {}, .jobs = jobs, .seconds_since_record = 7, .results_file = results()});
  }

  const TemporaryFolder folder_;
};

/// A run of layers of one shape, whose times are told by those that are done.
RunDescription equal_layers() {
  RunDescription run = example_run();
  run.layers[3] = layer("d", 100, 100);
  return run;
}

TEST_F(StatusTest, CountsLayersAndTheirWork) {
  EXPECT_THAT(status_after({record(1, 2, 0), record(3, 2, 0), record(2, 2, 0)}, equal_layers()),
              HasSubstr("3 of 4 done, 75% of the work\n"));
}

TEST_F(StatusTest, TimeLeftFollowsFromLayersOfTheSameShapeOnAsManyRanksAsLeftRecords) {
  EXPECT_THAT(status_after({record(1, 2, 0), record(2, 4, 0)}, equal_layers()),
              HasSubstr("time left  about 6.0s\n"));
  EXPECT_THAT(status_after({record(1, 2, 0), record(2, 4, 5)}, equal_layers()),
              HasSubstr("time left  about 3.0s\n"));
}

TEST_F(StatusTest, TallAndWideLayersTellTheSame) {
  RunDescription run = example_run();
  run.layers = {layer("tall", 300, 100), layer("wide", 100, 300)};
  EXPECT_THAT(status_after({record(1, 2, 0)}, run), HasSubstr("time left  about 2.0s\n"));
}

TEST_F(StatusTest, TimeLeftIsThatOfOneLayerAtLeast) {
  const std::vector<LayerRecord> records{record(1, 2, 0), record(2, 2, 1), record(3, 2, 2)};
  EXPECT_THAT(status_after(records, equal_layers()), HasSubstr("time left  about 2.0s\n"));
}

TEST_F(StatusTest, RateIsThatOfAllRanksAndATeamIsOneTeam) {
  EXPECT_THAT(status_after({record(1, 2, 0), record(2, 4, 5)}), HasSubstr("40 layers a minute on 2 ranks\n"));
  EXPECT_THAT(status_after({record(1, 2, 0)}), HasSubstr("30 layers a minute on 1 rank\n"));
  LayerRecord of_team = record(2, 4, 5);
  of_team.results.front().team_size = 3;
  EXPECT_THAT(status_after({record(1, 2, 0), of_team}),
              HasSubstr("40 layers a minute on 1 rank and 1 team\n"));
}

TEST_F(StatusTest, LayersSetAsideAtOnceAreDoneButTellNoSpeed) {
  const std::string status =
      status_after({record(1, 2, 0), record(4, 0, 0, Status::unsupported)}, equal_layers());
  EXPECT_THAT(status, HasSubstr("2 of 4 done"));
  EXPECT_THAT(status, HasSubstr("time left  about 4.0s\n"));
}

TEST_F(StatusTest, NothingIsPromisedBeforeTheFirstLayer) {
  EXPECT_THAT(status_after({}), HasSubstr("time left  unknown"));
}

TEST_F(StatusTest, RateAndTimeLeftAreThoseOfTheRanksOfTheLastRun) {
  status_after({record(1, 2, 0), record(2, 4, 5)}, equal_layers());
  {
    Journal resumed = Journal::open_or_resume(path(), equal_layers());
    EXPECT_THAT(status(), HasSubstr("2 of 4 done, 50% of the work\n"));
    EXPECT_THAT(status(), HasSubstr("time left  unknown: the last run has computed no layer yet\n"));
    resumed.append(std::array{record(3, 3, 0)});
  }
  EXPECT_THAT(status(), HasSubstr("3 of 4 done, 75% of the work\n"));
  EXPECT_THAT(status(), HasSubstr("20 layers a minute on 1 rank\ntime left  about 3.0s\n"));
}

TEST_F(StatusTest, QuantizedLayersCountWithTheSpectraThatTheirValuesHave) {
  constexpr std::int64_t order = 2000;
  RunDescription run = example_run();
  run.precisions = {precision, "bf16"};
  run.layers = {layer("bf16", order, order), layer("fp8", order, order)};
  run.layers[0].stored_dtype = "BF16";
  run.layers[1].stored_dtype = "F8_E4M3";
  run.layers[1].dequantized = true;
  run.layers[1].bits_per_weight = 8;
  LayerRecord of_bf16 = record(1, CostModel(usual_rates()).work({order, order, 2 * order * order, 1}, 1), 0);
  of_bf16.results.push_back(of_bf16.results[0]);
  of_bf16.results[1].precision = "bf16";
  of_bf16.results[1].seconds = 0;
  EXPECT_THAT(status_after({of_bf16}, run), HasSubstr("1 of 2 done, 33% of the work\n"));
}

TEST_F(StatusTest, CompleteRunHasNoTimeLeft) {
  status_after({record(1, 2, 0), record(2, 2, 0), record(3, 2, 0), record(4, 9, 1)});
  write_results_beside(path());
  EXPECT_THAT(status_without_lock(), HasSubstr("4 of 4 done, 100% of the work\ncomplete\n"));
  EXPECT_THAT(status_without_lock(), Not(HasSubstr("time left")));
}

TEST_F(StatusTest, ARunThatHasNotWrittenItsResultsIsNotComplete) {
  status_after({record(1, 2, 0), record(2, 2, 0), record(3, 2, 0)});
  write_results_beside(path());
  Journal::open_or_resume(path(), example_run()).append(std::array{record(4, 9, 1)});
  EXPECT_THAT(status(),
              HasSubstr("state      running: pid 4711 on node7, Slurm job 100, since today; last record "
                        "2.0s ago; all layers are done, the results are being written\n"));
  EXPECT_THAT(status(signs_of(Liveness::dead)), HasSubstr("state      lost: pid 4711"));
  const char* not_written =
      "100% of the work\nstate      not running: all layers are done, but not all of them are in "
      "alpha_hill.h5; last "
      "record 7.0s ago; the same command writes it\n";
  EXPECT_THAT(status_without_lock(), HasSubstr(not_written));
  std::filesystem::remove(results());
  EXPECT_THAT(status_without_lock(), HasSubstr(not_written));
}

TEST_F(StatusTest, LayersWithoutAFigureAreNamedWithTheReason) {
  EXPECT_THAT(status_after({record(1, 2, 0), record(2, 2, 0, Status::no_tail)}),
              HasSubstr("no figure  1 layer\n           b at fp32: no_tail: the reason\n"));
  EXPECT_THAT(status_after({record(1, 2, 0)}), Not(HasSubstr("no figure")));
}

TEST_F(StatusTest, ModelNameCannotMoveTheCursor) {
  RunDescription run = example_run();
  run.model = "\x1b]0;x\a";
  EXPECT_THAT(status_after({}, run), HasSubstr("\\x1b]0;x\\x07"));
}

TEST_F(StatusTest, CountsAreOfThePrecisionsThatTheLastRunAskedFor) {
  status_after({record(1, 2, 0), record(2, 2, 0), record(3, 2, 0), record(4, 2, 0)});
  RunDescription more = example_run();
  more.precisions = {precision, "bf16"};
  static_cast<void>(Journal::open_or_resume(path(), more));
  EXPECT_THAT(status(), HasSubstr("0 of 4 done"));
  EXPECT_THAT(status(), Not(HasSubstr("complete")));
  static_cast<void>(Journal::open_or_resume(path(), example_run()));
  write_results_beside(path());
  EXPECT_THAT(status_without_lock(),
              HasSubstr("at fp32\nlayers     4 of 4 done, 100% of the work\ncomplete\n"));
}

TEST_F(StatusTest, CountsAreOfTheLayersThatTheLastRunAskedFor) {
  status_after({record(1, 2, 0), record(2, 2, 0)});
  RunDescription fewer = example_run();
  fewer.filter_layers = "[bc]";
  fewer.layers = {layer("b", 100, 100), layer("c", 100, 100)};
  static_cast<void>(Journal::open_or_resume(path(), {fewer, example_run().layers}));
  EXPECT_THAT(status(), HasSubstr("1 of 2 done"));
}

TEST_F(StatusTest, LayersOfMultiTokenPredictionCountWhereTheLastRunAskedForThem) {
  RunDescription run = example_run();
  run.layers[3].predicts_further_tokens = true;
  status_after({record(1, 2, 0), record(2, 2, 0), record(3, 2, 0)}, run);
  EXPECT_THAT(status(), HasSubstr("3 of 4 done"));
  RunDescription without = run;
  without.layers.pop_back();
  static_cast<void>(Journal::open_or_resume(path(), {without, run.layers, false}));
  EXPECT_THAT(status(), HasSubstr("3 of 3 done"));
}

TEST_F(StatusTest, ARunThatGoesOnIsRunning) {
  status_after({record(1, 2, 0)});
  EXPECT_THAT(status(), HasSubstr("state      running: pid 4711 on node7, Slurm job 100, since today; last "
                                  "record 2.0s ago\nrate "));
}

TEST_F(StatusTest, OfADeadProcessTheRunIsLostAndHasNoTimeLeft) {
  status_after({record(1, 2, 0), record(2, 4, 0)}, equal_layers());
  const std::string lost = status(signs_of(Liveness::dead));
  EXPECT_THAT(lost,
              HasSubstr("state      lost: pid 4711 on node7, Slurm job 100, since today, ended without a "
                        "word; last record 2.0s ago; the same command goes on\n"));
  EXPECT_THAT(lost, HasSubstr("work left  about 6.0s on 1 rank\n"));
  EXPECT_THAT(lost, Not(HasSubstr("time left")));
}

TEST_F(StatusTest, OfAnotherMachineSlurmKnowsWhetherTheRunGoesOn) {
  status_after({record(1, 2, 0)});
  EXPECT_THAT(status(signs_of(Liveness::unknown, {running, "100"})), HasSubstr("running: pid"));
  EXPECT_THAT(status(signs_of(Liveness::unknown, {SlurmJob::State::gone, ""})), HasSubstr("lost: pid"));
  EXPECT_THAT(status(signs_of(Liveness::unknown, {pending, "100"})),
              testing::AllOf(HasSubstr("lost: pid"), HasSubstr("; Slurm job 100 is pending and goes on\n")));
}

TEST_F(StatusTest, ASuspendedJobIsNotRunning) {
  status_after({record(1, 2, 0)});
  for (const Liveness liveness : {Liveness::alive, Liveness::unknown}) {
    const std::string said = status(signs_of(liveness, {suspended, "100"}));
    EXPECT_THAT(said, testing::AllOf(HasSubstr("state      suspended: pid 4711"), HasSubstr("work left")));
  }
}

TEST_F(StatusTest, OtherJobsOfTheFolderAreNamed) {
  status_after({record(1, 2, 0)});
  RunSigns signs = signs_of(Liveness::alive, {running, "100"});
  signs.jobs.others = {{pending, "101"}};
  EXPECT_THAT(status(signs), HasSubstr("ago; Slurm job 101 for the same folder is pending\n"));
  EXPECT_THAT(status_without_lock({{pending, "101"}, {{suspended, "102"}}}),
              HasSubstr("ago; Slurm job 101 is pending and goes on; Slurm job 102 is suspended\n"));
}

TEST(SlurmJobs, AreAWordOfEachRun) {
  const auto jobs = parse_slurm_jobs("unknown,gone+pending:101,suspended:100_2", 3);
  EXPECT_EQ(jobs[0].own.state, SlurmJob::State::unknown);
  EXPECT_EQ(jobs[1].own.state, SlurmJob::State::gone);
  ASSERT_EQ(jobs[1].others.size(), 1U);
  EXPECT_EQ(jobs[1].others[0].id, "101");
  EXPECT_EQ(jobs[2].own.state, suspended);
  EXPECT_EQ(jobs[2].own.id, "100_2");
  for (const char* wrong : {"", "running", "running:", "gone:1", "ended:1", "gone+", "gone,gone"}) {
    EXPECT_THROW(parse_slurm_jobs(wrong, 1), Error) << wrong;
  }
}

TEST_F(StatusTest, WhereNobodyKnowsTheAgeOfTheLastRecordTells) {
  status_after({record(1, 400, 0)}, equal_layers());
  EXPECT_THAT(status(signs_of(Liveness::unknown, {}, 1500)),
              HasSubstr("ago; that process cannot be seen from this machine\n"));
  EXPECT_THAT(status(signs_of(Liveness::unknown, {}, 1700)), HasSubstr("lost: pid"));
}

TEST_F(StatusTest, ARunThatEndedSaysHow) {
  status_after({record(1, 2, 0)});
  EXPECT_THAT(status_without_lock(), HasSubstr("state      not running; last record 7.0s ago"));
  Journal::open_or_resume(path(), example_run()).note_ending({75, ""});
  EXPECT_THAT(status_without_lock(),
              HasSubstr("state      stopped (75); last record 7.0s ago; the same command goes on\n"));
  EXPECT_THAT(status_without_lock({{pending, "100_2"}, {}}),
              HasSubstr("stopped (75); last record 7.0s ago; Slurm job 100_2 is pending and goes on\n"));
  Journal::open_or_resume(path(), example_run()).note_ending({1, "no space\x1b"});
  EXPECT_THAT(status_without_lock(),
              HasSubstr("state      failed (1): no space\\x1b; last record 7.0s ago; once that "
                        "is mended, the same command goes on\n"));
  Journal::open_or_resume(path(), example_run()).note_ending({0, ""});
  EXPECT_THAT(status_without_lock(), HasSubstr("; with more memory a rank the same command computes them\n"));
  static_cast<void>(Journal::open_or_resume(path(), example_run()));
  EXPECT_THAT(status_without_lock(), HasSubstr("state      not running"));
}

TEST_F(StatusTest, SignsAreTheLockBesideTheJournalAndItsAge) {
  const Journal journal = Journal::restart(path(), example_run());
  const RunSigns signs = signs_beside(path(), {});
  ASSERT_TRUE(signs.lock && signs.lock->owner);
  EXPECT_EQ(signs.lock->owner->pid, ::getpid());
  EXPECT_LT(signs.seconds_since_record, 60);
}

TEST_F(StatusTest, OutputFolderStandsForTheJournalInIt) {
  EXPECT_EQ(journal_at(folder_.path()), path());
  EXPECT_EQ(journal_at(path()), path());
}

TEST_F(StatusTest, AResultsFileIsNoJournalAndOpenedWithoutStatus) {
  try {
    journal_at(results());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("alpha_hill.h5': results are opened without --status"));
  }
}

TEST_F(StatusTest, WhileARunIsInProgressItsResultsAreItsOwnToWrite) {
  const Journal journal = Journal::restart(path(), example_run());
  try {
    write_results_beside(path());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("another run is using this folder: pid "));
  }
}

TEST_F(StatusTest, ResultsSoFarAreWrittenBesideTheJournalOfACrashedRun) {
  status_after({record(1, 2, 0), record(3, 2, 0)});
  const auto file = ResultsFile::open(write_results_beside(path()));
  EXPECT_EQ(file.path(), folder_.path() / "alpha_hill.h5");
  EXPECT_FALSE(file.complete());
  ASSERT_EQ(file.results().size(), 2);
  EXPECT_EQ(file.results()[1].layer, 3);
}

}  // namespace
}  // namespace alphahill
