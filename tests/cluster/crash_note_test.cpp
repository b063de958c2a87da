#include "alphahill/cluster/crash_note.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CrashNoteDeathTest, AFatalSignalLeavesTheLayerAndTakesItsCourse) {
  const TemporaryFolder folder;
  EXPECT_EXIT(
      {
        leave_crash_notes_in(folder.path());
        computing_layer(42);
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "");
  EXPECT_THAT(take_crash_notes(folder.path()), ElementsAre(42));
  EXPECT_THAT(take_crash_notes(folder.path()), IsEmpty()) << "a note is taken once";
}

TEST(CrashNoteDeathTest, BetweenLayersThereIsNothingToNote) {
  const TemporaryFolder folder;
  EXPECT_EXIT(
      {
        leave_crash_notes_in(folder.path());
        computing_layer(42);
        computing_layer(0);
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "");
  EXPECT_THAT(take_crash_notes(folder.path()), IsEmpty());
}

TEST(CrashNote, OtherFilesAreLeftAlone) {
  const TemporaryFolder folder;
  folder.write("alpha_hill.journal", "x");
  EXPECT_THAT(take_crash_notes(folder.path()), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "alpha_hill.journal"));
}

}  // namespace
}  // namespace alphahill
