#include <gtest/gtest.h>

#include <array>

#include "results/journal_fixture.hpp"

namespace alphahill {
namespace {

using AttemptsTest = JournalTest;

TEST_F(AttemptsTest, AnAttemptWithoutARecordIsUnexplained) {
  open().note(std::array{Attempt{2, AttemptEvent::begun}});
  open().note(std::array{Attempt{2, AttemptEvent::begun}, Attempt{3, AttemptEvent::begun}});
  const Journal journal = open();
  EXPECT_EQ(journal.attempts(2).unexplained, 2);
  EXPECT_EQ(journal.attempts(3).unexplained, 1);
  EXPECT_EQ(journal.attempts(1).unexplained, 0);
}

TEST_F(AttemptsTest, AnAttemptThatWasReleasedDoesNotCount) {
  Journal journal = open();
  journal.note(std::array{Attempt{2, AttemptEvent::begun}, Attempt{2, AttemptEvent::released}});
  EXPECT_EQ(journal.attempts(2).unexplained, 0);
}

TEST_F(AttemptsTest, ACrashExplainsAnAttempt) {
  open().note(std::array{Attempt{2, AttemptEvent::begun}});
  open().note(std::array{Attempt{2, AttemptEvent::crash}});
  const Journal journal = open();
  EXPECT_EQ(journal.attempts(2).unexplained, 0);
  EXPECT_EQ(journal.attempts(2).crashes, 1);
}

TEST_F(AttemptsTest, AttemptsAndRecordsMix) {
  {
    Journal journal = open();
    journal.note(std::array{Attempt{1, AttemptEvent::begun}});
    journal.append(std::array{example_record(1)});
    journal.note(std::array{Attempt{2, AttemptEvent::begun}});
  }
  const Journal reopened = open();
  expect_same(reopened.read(1), example_record(1));
  EXPECT_EQ(reopened.attempts(2).unexplained, 1);
}

TEST_F(AttemptsTest, AttemptsBehindARecordStayWhenTheJournalIsWrittenAnew) {
  {
    Journal journal = open();
    journal.append(std::array{failed_record(2)});
    journal.note(AttemptTally{.unexplained = 1, .crashes = 2}.attempts_at(2));
  }
  RunDescription more = run_;
  more.precisions.push_back("fp64");
  const Journal grown = Journal::open_or_resume(path(), more);
  EXPECT_TRUE(grown.has(2));
  EXPECT_EQ(grown.attempts(2).unexplained, 1);
  EXPECT_EQ(grown.attempts(2).crashes, 2);
}

TEST_F(AttemptsTest, BeginningAnewForgetsThem) {
  open().note(std::array{Attempt{2, AttemptEvent::crash}});
  EXPECT_EQ(Journal::restart(path(), run_).attempts(2).crashes, 0);
}

}  // namespace
}  // namespace alphahill
