/// Files that version 2 of the records wrote: a sample of one block (alpha-hill-sample --blocks 1 --hidden 16 --seed 7,
/// its files changed at second 1700000000), whole, and torn behind its third layer.
#include <gmock/gmock.h>

#include <array>

#include "alphahill/results/results_file.hpp"
#include "results/journal_fixture.hpp"

namespace alphahill {
namespace {

const std::filesystem::path fixtures = ALPHAHILL_RESULTS_FIXTURES;

std::vector<LayerRecord> records_in(const Journal& journal) {
  std::vector<LayerRecord> records;
  for (std::int64_t layer = 1; layer <= std::ssize(journal.run().layers); ++layer) {
    if (journal.has(layer)) records.push_back(journal.read(layer));
  }
  return records;
}

TEST_F(JournalTest, AJournalOfVersion2IsRead) {
  const Journal journal = Journal::open_for_reading(fixtures / "version2/alpha_hill.journal");
  const ResultsFile results = ResultsFile::open(fixtures / "version2/alpha_hill.h5");
  ASSERT_EQ(journal.finished(), std::ssize(results.run().layers));
  auto row = results.results().begin();
  for (std::int64_t layer = 1; layer <= journal.finished(); ++layer) {
    const LayerRecord record = journal.read(layer);
    for (const ResultRow& from_journal : record.results) {
      EXPECT_EQ(from_journal.precision, row->precision);
      EXPECT_EQ(from_journal.alpha, row->alpha);
      EXPECT_EQ(from_journal.status, Status::ok);
      ++row;
    }
  }
  EXPECT_TRUE(results.complete());
  EXPECT_EQ(results.spectrum(results.results()[0]).size(), 16U);
}

TEST_F(JournalTest, AJournalOfVersion2GoesOnInThePresentVersion) {
  std::filesystem::copy(fixtures / "version2/interrupted.journal", path());
  const RunDescription run = Journal::open_for_reading(path()).run();
  const std::vector<LayerRecord> records = records_in(Journal::open_for_reading(path()));
  ASSERT_EQ(records.size(), 3U);
  const RunRequest request{run, run.layers, run.model_fingerprint};
  {
    Journal journal = Journal::open_or_resume(path(), request);
    for (const LayerRecord& record : records) expect_same(journal.read(record.layer), record);
    LayerRecord next = records[0];
    for (next.layer = 1; journal.has(next.layer);) ++next.layer;
    journal.append(std::array{next});
  }
  EXPECT_THAT(bytes(), testing::StartsWith("ALPHAHILL-JOURNAL-3\n"));
  EXPECT_EQ(Journal::open_or_resume(path(), request).finished(), 4);
}

TEST_F(JournalTest, AJournalOfVersion2KnowsItsModelByTimesOfChange) {
  std::filesystem::copy(fixtures / "version2/interrupted.journal", path());
  const RunDescription run = Journal::open_for_reading(path()).run();
  const std::string before = bytes();
  EXPECT_THAT(reason_of([&] {
                Journal::open_or_resume(path(), {run, run.layers, "ffff"});
              }),
              testing::HasSubstr("its config.json, headers or times of change are others"));
  EXPECT_EQ(bytes(), before);
}

}  // namespace
}  // namespace alphahill
