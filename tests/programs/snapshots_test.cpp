#include "programs/run/snapshots.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <thread>

#include "alphahill/base/error.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

using namespace std::chrono_literals;

TEST(Snapshots, NoneIsWrittenBeforeItIsDue) {
  int written = 0;
  Snapshots snapshots([&] { ++written; }, 1h);
  snapshots.write_if_due();
  EXPECT_EQ(written, 0);
}

TEST(Snapshots, TheyAreWrittenAgainAndAgainAndTakeAHundredthOfTheTimeAtMost) {
  int written = 0;
  Snapshots snapshots([&] { std::this_thread::sleep_for(++written == 1 ? 0ms : 50ms); }, 0ms);
  while (written < 2) snapshots.write_if_due();
  const auto end = Snapshots::Clock::now() + 500ms;
  while (Snapshots::Clock::now() < end) snapshots.write_if_due();
  EXPECT_EQ(written, 2);
}

TEST(Snapshots, FailuresOfAnyKindAreOneWarningAndTheNextOneIsTriedAgain) {
  const CapturedLog log;
  int tried = 0;
  Snapshots snapshots(
      [&] {
        switch (++tried) {
          case 1:
            throw Error(Fault::system, "alpha_hill.h5", "No space left on device");
          case 2:
            throw std::runtime_error("something else");
          case 3:
            throw std::bad_alloc();
          default:
            return;
        }
      },
      0ms);
  while (tried < 4) snapshots.write_if_due();
  EXPECT_EQ(
      log.text(),
      "warning: alpha_hill.h5: No space left on device; the results are written when the run is over\n");
}

}  // namespace
}  // namespace alphahill
