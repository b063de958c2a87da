#include "alphahill/base/progress.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace alphahill {
namespace {

TEST(Progress, TimeLeftGoesByWorkRatherThanByCount) {
  Progress progress("layers", 10, 100);
  progress.advance(80, "lm_head");
  EXPECT_EQ(progress.line(40, "lm_head", std::nullopt), "1/10 layers  80%  10.0s left  lm_head");
}

TEST(Progress, AnEstimateOfTheTimeLeftWinsOverTheRateSoFar) {
  Progress progress("layers", 10, 100);
  progress.advance(40, "q_proj", 4);
  EXPECT_EQ(progress.line(40, "q_proj", 5), "4/10 layers  40%  5.0s left  q_proj");
}

TEST(Progress, WhatWasDoneBeforeCountsButTellsNoSpeed) {
  Progress progress("layers", 10, 100, {.items = 5, .work = 60, .left_out = 1});
  progress.advance(20, "q_proj", 2);
  EXPECT_EQ(progress.line(10, "q_proj", std::nullopt), "7/10 layers  80%  10.0s left  q_proj");
}

TEST(Progress, BeforeAnyWorkTheTimeLeftIsUnknown) {
  EXPECT_EQ(Progress("plots", 3, 3).line(1, "", std::nullopt), "0/3 plots  0%  unknown left  ");
}

TEST(Progress, ALongNameKeepsItsEnd) {
  const std::string line = Progress("layers", 1, 1).line(0, std::string(80, 'x') + ".q_proj", std::nullopt);
  EXPECT_EQ(line.substr(line.size() - 10), "xxx.q_proj");
  EXPECT_LT(line.size(), 100U);
}

/// Standard error on a terminal for the time of a test.
class Terminal {
 public:
  Terminal() : kept_(::dup(STDERR_FILENO)) {
    int shown = -1;
    EXPECT_EQ(::openpty(&master_, &shown, nullptr, nullptr, nullptr), 0);
    ::dup2(shown, STDERR_FILENO);
    ::close(shown);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }

  void hang_up() const { ::close(master_); }

 private:
  int kept_;
  int master_ = -1;
};

TEST(Progress, ATerminalThatIsGoneStopsNothing) {
  const Terminal terminal;
  Progress progress("layers", 2, 2);
  terminal.hang_up();
  EXPECT_NO_THROW(progress.advance(2, "lm_head", 2));
}

}  // namespace
}  // namespace alphahill
