#include "alphahill/results/run_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "alphahill/base/error.hpp"
#include "support/captured_log.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr std::int64_t no_such_process = 1LL << 30;  // above the kernel's limit

class RunLockTest : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "run.lock"; }
  std::string reason_of_taking() const {
    try {
      RunLock::take(path());
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  static LockOwner elsewhere() {
    LockOwner owner = LockOwner::this_process();
    owner.host = "node17";
    owner.boot = "0b7c";
    owner.since = "2025-01-31 12:00:00 UTC";
    owner.pid = 4711;
    return owner;
  }

  const CapturedLog log_;
  const TemporaryFolder folder_;
};

TEST_F(RunLockTest, IsThereWhileItIsHeldAndGoneAfterwards) {
  {
    const RunLock lock = RunLock::take(path());
    const auto owner = LockOwner::parse(read_text(path(), 4096));
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->pid, ::getpid());
  }
  EXPECT_FALSE(std::filesystem::exists(path()));
  RunLock::take(path());
}

TEST_F(RunLockTest, ABystanderFindsItAndLeavesIt) {
  const auto journal = folder_.path() / "run.journal";
  EXPECT_FALSE(lock_beside(journal));
  {
    const RunLock lock = RunLock::take(path());
    const auto found = lock_beside(journal);
    ASSERT_TRUE(found && found->owner);
    EXPECT_EQ(found->owner->pid, ::getpid());
    EXPECT_EQ(found->liveness, Liveness::alive);
    EXPECT_THAT(reason_of_taking(), HasSubstr("another run is using this folder"));
  }
  folder_.write("run.lock", elsewhere().text());
  EXPECT_EQ(lock_beside(journal)->liveness, Liveness::unknown);
  folder_.write("run.lock", "host");
  EXPECT_FALSE(lock_beside(journal)->owner);
}

TEST_F(RunLockTest, ABystanderIsNotMisledByAProcessThatHasTheNumberOfADeadOne) {
  LockOwner owner = LockOwner::this_process();
  owner.pid = ::getppid();
  folder_.write("run.lock", owner.text());
  const auto found = lock_beside(folder_.path() / "run.journal");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->owner, owner);
  EXPECT_EQ(found->liveness, Liveness::dead);
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(RunLockTest, IsGivenBackOnceWhenItIsMoved) {
  RunLock lock = RunLock::take(path());
  {
    const RunLock moved = std::move(lock);
    EXPECT_TRUE(std::filesystem::exists(path()));
  }
  const RunLock again = RunLock::take(path());
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(RunLockTest, ASecondRunIsToldWhoHoldsIt) {
  ::setenv("SLURM_JOB_ID", "100", 1);
  const RunLock lock = RunLock::take(path());
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_THAT(
      reason_of_taking(),
      MatchesRegex(".*run.lock: another run is using this folder: pid [0-9]+ on [^ ]+, Slurm job 100, "
                   "since [0-9-]+ [0-9:]+ UTC"));
}

TEST_F(RunLockTest, AnotherTaskOfTheSameSlurmStepIsToldHowTheyAreJoined) {
  ::setenv("SLURM_JOB_ID", "100", 1);
  ::setenv("SLURM_STEP_NUM_TASKS", "4", 1);
  const RunLock lock = RunLock::take(path());
  const std::string in_this_job = reason_of_taking();
  ::setenv("SLURM_JOB_ID", "101", 1);
  const std::string in_another = reason_of_taking();
  ::unsetenv("SLURM_JOB_ID");
  ::unsetenv("SLURM_STEP_NUM_TASKS");
  EXPECT_THAT(in_this_job, HasSubstr("UTC; if that is another task of the same srun, MPI does not join them: "
                                     "srun --mpi=pmix does"));
  EXPECT_THAT(in_another, Not(HasSubstr("srun")));
}

TEST_F(RunLockTest, WhatADeadProcessLeftIsTakenOver) {
  LockOwner owner = LockOwner::this_process();
  owner.pid = no_such_process;
  folder_.write("run.lock", owner.text());
  const RunLock lock = RunLock::take(path());
  EXPECT_EQ(LockOwner::parse(read_text(path(), 4096))->pid, ::getpid());
  EXPECT_THAT(log_.text(), HasSubstr("its run did not end in order: pid 1073741824 on "));
}

TEST_F(RunLockTest, WhatAProcessLeftThatDiedBeforeItSaidWhoItIsIsTakenOver) {
  const std::string whole = LockOwner::this_process().text();
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, whole.find("requeues")}) {
    folder_.write("run.lock", whole.substr(0, size));
    EXPECT_EQ(reason_of_taking(), "nothing was thrown") << size;
  }
}

TEST_F(RunLockTest, OfAProcessOnAnotherMachineTheUserMustSayThatItHasEnded) {
  folder_.write("run.lock", elsewhere().text());
  EXPECT_EQ(reason_of_taking(),
            path().string() +
                ": a run on another machine may be using this folder: pid 4711 on node17, since 2025-01-31 "
                "12:00:00 UTC; if it has ended, remove this file and run the same command again");
  std::filesystem::remove(path());
  EXPECT_EQ(reason_of_taking(), "nothing was thrown");
}

TEST_F(RunLockTest, ALockThatOthersTookAfterItsFileWasRemovedIsLeftToThem) {
  auto first = std::make_unique<RunLock>(RunLock::take(path()));
  std::filesystem::remove(path());
  const RunLock second = RunLock::take(path());
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST(LockOwner, ItsTextComesBack) {
  LockOwner owner{"node17", "0b7c", 4711, "100", 2, "2025-01-31 12:00:00 UTC"};
  EXPECT_EQ(owner.text(),
            "host node17\nboot 0b7c\npid 4711\njob 100\nrequeues 2\nsince 2025-01-31 12:00:00 UTC\n");
  EXPECT_EQ(LockOwner::parse(owner.text()), owner);
}

TEST(LockOwner, OtherTextIsNone) {
  for (const char* text :
       {"", "host", "host node17\nboot 0b7c\npid many\njob 100\nrequeues 2\nsince now\n"}) {
    EXPECT_FALSE(LockOwner::parse(text)) << text;
  }
}

struct Case {
  const char* what;
  LockOwner left_behind;
  LockAttempt attempt;
  Liveness expected;
};

TEST(LockOwner, LivenessFollowsFromWhatIsKnownOfTheProcess) {
  const LockOwner ours{"node17", "0b7c", 4711, "100", 1, ""};
  const std::int64_t alive = ::getppid();
  const auto taken = LockAttempt::taken;
  const auto unsupported = LockAttempt::unsupported;
  const std::vector<Case> cases{
      {"its lock is free", {"node17", "0b7c", alive, "100", 1, ""}, taken, Liveness::dead},
      {"no locks, but it runs", {"node17", "0b7c", alive, "99", 0, ""}, unsupported, Liveness::alive},
      {"no such process", {"node17", "0b7c", no_such_process, "99", 0, ""}, unsupported, Liveness::dead},
      {"its number is ours", {"node17", "0b7c", 4711, "99", 0, ""}, unsupported, Liveness::dead},
      {"the machine was started anew", {"node17", "41aa", alive, "99", 0, ""}, unsupported, Liveness::dead},
      {"our job before a requeue", {"node18", "41aa", alive, "100", 0, ""}, unsupported, Liveness::dead},
      {"our job on another machine", {"node18", "41aa", alive, "100", 1, ""}, taken, Liveness::unknown},
      {"another machine", {"node18", "41aa", alive, "99", 0, ""}, taken, Liveness::unknown},
      {"another machine without jobs",
       {"node18", "41aa", 5, LockOwner::no_job, 0, ""},
       taken,
       Liveness::unknown},
  };
  for (const Case& c : cases) EXPECT_EQ(liveness(c.left_behind, ours, c.attempt), c.expected) << c.what;
}

TEST(LockOwner, AProcessThatHasEndedIsDeadThoughNobodyHasAskedHow) {
  LockOwner left_behind = LockOwner::this_process();
  left_behind.pid = ::fork();
  if (left_behind.pid == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(left_behind.pid), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(liveness(left_behind, LockOwner::this_process(), LockAttempt::unsupported), Liveness::dead);
  ::waitpid(static_cast<pid_t>(left_behind.pid), nullptr, 0);
}

TEST(LockOwner, ACountOfRequeuesThatIsNoNumberIsNone) {
  ::setenv("SLURM_RESTART_COUNT", "many", 1);
  EXPECT_EQ(LockOwner::this_process().requeues, 0);
  ::setenv("SLURM_RESTART_COUNT", "3", 1);
  EXPECT_EQ(LockOwner::this_process().requeues, 3);
  ::unsetenv("SLURM_RESTART_COUNT");
}

}  // namespace
}  // namespace alphahill
