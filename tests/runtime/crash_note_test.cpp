#include "alphahill/runtime/crash_note.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <latch>
#include <thread>

#include "support/captured_log.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// The notes that `crash` leaves, which ends the process by SIGABRT.
std::vector<std::int64_t> notes_after(const std::function<void()>& crash) {
  const TemporaryFolder folder;
  EXPECT_EXIT(
      {
        leave_crash_notes_in(folder.path());
        crash();
      },
      testing::KilledBySignal(SIGABRT), "");
  const auto layers = take_crash_notes(folder.path());
  EXPECT_THAT(take_crash_notes(folder.path()), IsEmpty()) << "a note is taken once";
  return layers;
}

/// A thread that computes these layers until the process ends.
void compute_beside(std::vector<std::int64_t> layers) {
  std::latch begun(1);
  std::thread([&begun, layers = std::move(layers)] {
    const RunningLayers running(layers);
    begun.count_down();
    for (;;) ::pause();
  }).detach();
  begun.wait();
}

TEST(CrashNoteDeathTest, ACrashIsAboutTheLayersOfItsThread) {
  EXPECT_THAT(notes_after([] {
                compute_beside({1});
                const std::array<std::int64_t, 2> layers{42, 43};
                const RunningLayers running(layers);
                std::abort();
              }),
              UnorderedElementsAre(42, 43));
}

TEST(CrashNoteDeathTest, ACrashOfALibrarysThreadIsAboutAllRunningLayers) {
  EXPECT_THAT(notes_after([] {
                compute_beside({1});
                compute_beside({2, 3});
                std::thread([] { std::abort(); }).join();
              }),
              UnorderedElementsAre(1, 2, 3));
}

TEST(CrashNoteDeathTest, ACrashOfAThreadThatCoordinatesIsAboutNone) {
  EXPECT_THAT(notes_after([] {
                exclude_thread_from_crash_notes();
                compute_beside({1});
                std::abort();
              }),
              IsEmpty());
}

TEST(CrashNoteDeathTest, ASignalFromElsewhereIsAboutAllRunningLayers) {
  EXPECT_THAT(notes_after([] {
                exclude_thread_from_crash_notes();
                compute_beside({1, 2});
                ::kill(::getpid(), SIGABRT);
                for (;;) ::pause();
              }),
              UnorderedElementsAre(1, 2));
}

TEST(CrashNoteDeathTest, BetweenLayersThereIsNothingToNote) {
  EXPECT_THAT(notes_after([] {
                const std::array<std::int64_t, 1> layer{42};
                { const RunningLayers running(layer); }
                std::abort();
              }),
              IsEmpty());
}

TEST(CrashNote, OtherFilesAreLeftAlone) {
  const TemporaryFolder folder;
  for (const char* name : {"alpha_hill.journal", "alpha_hill.crashed.", "alpha_hill.crashed.x",
                           "alpha_hill.crashed.3x", "alpha_hill.crashed.99999999999999999999"}) {
    folder.write(name, "x");
    EXPECT_THAT(take_crash_notes(folder.path()), IsEmpty()) << name;
    EXPECT_TRUE(std::filesystem::exists(folder.path() / name));
  }
}

TEST(CrashNote, ANoteThatCannotBeRemovedDoesNotCount) {
  const CapturedLog log;
  const TemporaryFolder folder;
  folder.write("alpha_hill.crashed.3/in a folder of this name", "x");
  folder.write("alpha_hill.crashed.4", "");
  EXPECT_THAT(take_crash_notes(folder.path()), UnorderedElementsAre(4));
  EXPECT_EQ(log.text(), "warning: " + (folder.path() / "alpha_hill.crashed.3").string() +
                            ": Directory not empty; crash notes that cannot be removed do not count\n");
}

TEST(CrashNote, AFolderThatNotesCannotBeLeftInIsRefused) {
  const auto refusal = thrown_by([] { leave_crash_notes_in("/" + std::string(5000, 'x')); });
  EXPECT_EQ(refusal.value().reason(), "too long a path for crash notes");
  const auto before = std::filesystem::current_path();
  const TemporaryFolder gone;
  std::filesystem::current_path(gone.path());
  std::filesystem::remove(gone.path());
  EXPECT_EQ(thrown_by([] { leave_crash_notes_in("results"); }).value().reason(),
            "no absolute path: No such file or directory");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace alphahill
