/// What a journal makes of torn, flipped and foreign bytes.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "results/journal_fixture.hpp"

namespace alphahill {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(JournalTest, TornTailIsCutOffAndEarlierRecordsStay) {
  const auto ends = fill({example_record(1), example_record(2)});
  const std::string whole = bytes();
  for (std::size_t size = ends[1] + 1; size < ends[2]; ++size) {
    set_bytes(whole.substr(0, size));
    const CapturedLog log;
    const Journal journal = open();
    ASSERT_TRUE(journal.has(1) && !journal.has(2)) << size;
    EXPECT_EQ(bytes(), whole.substr(0, ends[1]) + asked_frame());
    EXPECT_EQ(log.text(), fmt::format("warning: {}: the last {} bytes, from byte {} on, are no whole record: "
                                      "cut off; its layer is computed again\n",
                                      path().string(), size - ends[1], ends[1]));
  }
}

TEST_F(JournalTest, BehindATornTailThatWasCutOffTheJournalGoesOn) {
  const auto ends = fill({example_record(1), example_record(2)});
  const std::string whole = bytes();
  set_bytes(whole.substr(0, ends[2] - 1));
  fill({example_record(2)});
  EXPECT_EQ(bytes(), whole.substr(0, ends[1]) + asked_frame() + whole.substr(ends[1]));
}

TEST_F(JournalTest, ALastRecordWithAFlippedBitIsCutOff) {
  const auto ends = fill({example_record(1), example_record(2)});
  std::string damaged = bytes();
  damaged.back() ^= 1;
  set_bytes(damaged);
  EXPECT_FALSE(open().has(2));
  EXPECT_EQ(bytes(), damaged.substr(0, ends[1]) + asked_frame());
}

TEST_F(JournalTest, AJournalTornWithinItsFirstFrameIsBegunAnewWithoutAnError) {
  const std::size_t first_end = fill({})[0];
  const std::string whole = bytes();
  for (std::size_t size = 0; size < first_end; size += size < 40 ? 1 : 53) {
    set_bytes(whole.substr(0, size));
    const CapturedLog log;
    EXPECT_EQ(open().finished(), 0) << size;
    EXPECT_EQ(bytes(), whole) << size;
    EXPECT_THAT(log.text(), IsEmpty());
  }
}

TEST_F(JournalTest, ABitFlippedInTheMiddleIsReportedAndCostsOneLayer) {
  const auto ends = fill({example_record(1), example_record(2), example_record(3)});
  const std::string whole = bytes();
  for (std::size_t at = ends[1]; at < ends[2]; ++at) {
    std::string damaged = whole;
    damaged[at] ^= 0x10;
    set_bytes(damaged);
    const CapturedLog log;
    const Journal journal = open();
    ASSERT_TRUE(journal.has(1) && !journal.has(2) && journal.has(3)) << at;
    expect_same(journal.read(3), example_record(3));
    EXPECT_EQ(log.text(),
              fmt::format("warning: {}: bytes {} to {} are damaged; the layers that they hold are "
                          "computed again\n",
                          path().string(), ends[1], ends[2]));
  }
}

TEST_F(JournalTest, ALayerLostToDamageIsAppendedAgain) {
  const auto ends = fill({example_record(1), example_record(2), example_record(3)});
  std::string damaged = bytes();
  damaged[ends[1] + 5] ^= 1;
  set_bytes(damaged);
  fill({example_record(2)});
  const Journal journal = open();
  for (const std::int64_t layer : {1, 2, 3}) expect_same(journal.read(layer), example_record(layer));
}

TEST_F(JournalTest, DamageAndATornTailTogetherKeepTheGoodRecordBetween) {
  const auto ends = fill({example_record(1), example_record(2), example_record(3)});
  std::string damaged = bytes().substr(0, ends[3] - 3);
  damaged[ends[0] + 20] ^= 1;
  set_bytes(damaged);
  const Journal journal = open();
  EXPECT_EQ(journal.finished(), 1);
  EXPECT_TRUE(journal.has(2));
  EXPECT_EQ(bytes(), damaged.substr(0, ends[2]) + asked_frame());
}

TEST_F(JournalTest, ADamagedRunDescriptionBeforeRecordsIsAnError) {
  fill({example_record(1)});
  std::string damaged = bytes();
  damaged[100] ^= 1;
  set_bytes(damaged);
  EXPECT_EQ(reason_of_open(),
            path().string() +
                ": the description of the run, at byte 20, is damaged; use `--restart` to begin "
                "anew, or another --output-dir");
  EXPECT_EQ(bytes(), damaged);
}

TEST_F(JournalTest, AFileThatIsNoJournalIsRefusedAndLeftAlone) {
  for (const std::string& other : {"ALPHAHILL-JOURNAL-1\n"s, "x"s, "\0\0\0\0"s, "layer_name,category\n"s}) {
    set_bytes(other);
    EXPECT_EQ(reason_of_open(), path().string() +
                                    ": expected a journal of alpha-hill, found other bytes at its start; use "
                                    "`--restart` to begin anew, or another --output-dir");
    EXPECT_EQ(bytes(), other);
  }
}

TEST_F(JournalTest, AnAbsurdPayloadSizeIsATornTail) {
  fill({example_record(1)});
  const std::string good = bytes();
  set_bytes(good + "\xA1HFR\x02\xFF\xFF\xFF\xFF\0\0\0\0payload"s);
  EXPECT_EQ(open().finished(), 1);
  EXPECT_EQ(bytes(), good + asked_frame());
}

TEST_F(JournalTest, ARecordThatIsDamagedAfterOpeningIsNotReturned) {
  const auto ends = fill({example_record(1)});
  const Journal journal = open();
  std::string damaged = bytes();
  damaged[ends[0] + 50] ^= 1;
  set_bytes(damaged);
  EXPECT_EQ(reason_of([&] { journal.read(1); }),
            fmt::format("{}: the record at byte {} is damaged", path().string(), ends[0]));
}

TEST_F(JournalTest, ARecordOfALayerThatTheRunDoesNotHaveIsPassedOver) {
  RunDescription longer = run_;
  longer.layers.push_back(longer.layers[0]);
  Journal::open_or_resume(path(), longer).append(std::array{example_record(4)});
  const std::string record =
      bytes().substr(std::filesystem::file_size(path()) - to_bytes(example_record(4)).size() - 15);
  std::filesystem::remove(path());
  const auto ends = fill({example_record(1)});
  set_bytes(bytes() + record);
  EXPECT_EQ(open().finished(), 1);
  EXPECT_EQ(log_.text(),
            fmt::format("warning: {}: the record at byte {} is of layer 4, expected 1 to 3; passed over\n",
                        path().string(), ends[1]));
}

TEST_F(JournalTest, AFrameIsFoundWhereverABlockOfTheScanEnds) {
  const auto ends = fill({example_record(1)});
  const std::string whole = bytes();
  const std::string head = whole.substr(0, ends[0]);
  constexpr std::size_t block = 1 << 20;
  for (std::size_t before_end = 0; before_end < 16; ++before_end) {
    const std::size_t frame = 20 + block - before_end;
    set_bytes(head + std::string(frame - head.size(), '\xA1') + whole.substr(ends[0]));
    const CapturedLog log;
    EXPECT_TRUE(open().has(1)) << before_end;
    EXPECT_THAT(log.text(), HasSubstr(fmt::format("bytes {} to {} are damaged", ends[0], frame)));
  }
}

TEST_F(JournalTest, RecordsLargerThanABlockComeBackBehindDamageThatLooksLikeFrames) {
  LayerRecord large = example_record(1);
  const auto like_a_frame =
      std::bit_cast<double>(std::array<unsigned char, 8>{0xA1, 'H', 'F', 'R', 2, 3, 0, 0});
  large.eigenvalues.assign(300'000, like_a_frame);
  LayerRecord last = large;
  last.layer = 3;
  LayerRecord middle = large;
  middle.layer = 2;
  const auto ends = fill({large, middle, last});
  std::string damaged = bytes();
  damaged[ends[1] + 5000] ^= 1;
  set_bytes(damaged);
  const Journal journal = open();
  EXPECT_TRUE(journal.has(1) && !journal.has(2));
  expect_same(journal.read(3), last);
}

}  // namespace
}  // namespace alphahill
