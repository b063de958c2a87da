/// Files that earlier versions of the records wrote: a sample of one block (alpha-hill-sample --blocks 1 --hidden 16
/// --seed 7), whole, and torn behind its third layer.
#include <gmock/gmock.h>

#include <array>
#include <cmath>

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

class EarlierVersions : public JournalTest, public testing::WithParamInterface<const char*> {
 protected:
  std::filesystem::path fixture(const char* name) const { return fixtures / GetParam() / name; }
};

TEST_P(EarlierVersions, AreRead) {
  const Journal journal = Journal::open_for_reading(fixture("alpha_hill.journal"));
  const ResultsFile results = ResultsFile::open(fixture("alpha_hill.h5"));
  EXPECT_EQ(journal.asked(), everything_in(journal.run()));
  EXPECT_EQ(results.asked(), everything_in(results.run()));
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

TEST_F(JournalTest, HowALayerIsStoredIsNotKnownOfVersion3) {
  const Journal journal = Journal::open_for_reading(fixtures / "version3/alpha_hill.journal");
  const ResultsFile results = ResultsFile::open(fixtures / "version3/alpha_hill.h5");
  for (const RunDescription& run : {journal.run(), results.run()}) {
    EXPECT_EQ(run.layers[0].stored_dtype, "BF16");
    EXPECT_EQ(run.layers[0].stored_as, "");
    EXPECT_TRUE(std::isnan(run.layers[0].bits_per_weight));
    EXPECT_FALSE(run.layers[0].dequantized);
  }
}

TEST_P(EarlierVersions, GoOnInThePresentOne) {
  std::filesystem::copy(fixture("interrupted.journal"), path());
  RunDescription run = Journal::open_for_reading(path()).run();
  const std::vector<LayerRecord> records = records_in(Journal::open_for_reading(path()));
  ASSERT_EQ(records.size(), 3U);
  for (LayerRow& layer : run.layers) layer.stored_as = "as this version says it";
  {
    Journal journal = Journal::open_or_resume(path(), run);
    for (const LayerRecord& record : records) expect_same(journal.read(record.layer), record);
    LayerRecord next = records[0];
    for (next.layer = 1; journal.has(next.layer);) ++next.layer;
    journal.append(std::array{next});
  }
  const Journal journal = Journal::open_or_resume(path(), run);
  EXPECT_EQ(journal.finished(), 4);
  EXPECT_EQ(journal.run().layers[7].stored_as, "as this version says it");
}

INSTANTIATE_TEST_SUITE_P(Version, EarlierVersions, testing::Values("version3", "version4"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace alphahill
