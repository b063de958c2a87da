#include "alphahill/report/child_processes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "alphahill/base/file.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

int cores_of_this_thread() {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof set, &set);
  return CPU_COUNT(&set);
}

TEST(ChildProcesses, RunInTheirFolderAndLeaveTheirMessages) {
  const TemporaryFolder folder;
  ChildProcesses children;
  children.start(7, {"sh", "-c", "pwd; echo oops >&2"}, folder.path(), folder.path() / "messages");
  const auto ended = children.wait();
  EXPECT_EQ(ended.number, 7);
  EXPECT_EQ(ended.failure, "");
  EXPECT_EQ(read_text(folder.path() / "messages", 1000), folder.path().string() + "\noops\n");
  EXPECT_EQ(children.running(), 0);
}

TEST(ChildProcesses, SayHowTheyFailed) {
  const TemporaryFolder folder;
  ChildProcesses children;
  children.start(1, {"sh", "-c", "exit 3"}, folder.path(), folder.path() / "messages");
  EXPECT_EQ(children.wait().failure, "exit status 3");
  children.start(2, {"sh", "-c", "kill -9 $$"}, folder.path(), folder.path() / "messages");
  EXPECT_EQ(children.wait().failure, "signal 9");
}

TEST(ChildProcesses, AMissingProgramIsNamed) {
  const TemporaryFolder folder;
  ChildProcesses children;
  const auto start = [&] {
    children.start(1, {"no-such-program"}, folder.path(), folder.path() / "messages");
  };
  EXPECT_STREQ(thrown_by(start).value().what(),
               "no-such-program: starting it failed: No such file or directory");
}

TEST(ChildProcesses, TheFirstToEndIsReportedFirst) {
  const TemporaryFolder folder;
  ChildProcesses children;
  children.start(1, {"sleep", "5"}, folder.path(), folder.path() / "messages_1");
  children.start(2, {"true"}, folder.path(), folder.path() / "messages_2");
  EXPECT_EQ(children.wait().number, 2);
}

TEST(ChildProcesses, DoNotSeeTheHiddenVariable) {
  const TemporaryFolder folder;
  ChildProcesses children;
  children.start(1, {"sh", "-c", "echo ${HOME-none} ${PATH+some}"}, folder.path(), folder.path() / "messages",
                 "HOME");
  children.wait();
  EXPECT_EQ(read_text(folder.path() / "messages", 1000), "none some\n");
}

TEST(ChildProcesses, AreKilledWhenAbandoned) {
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  {
    ChildProcesses children;
    children.start(1, {"sleep", "60"}, folder.path(), folder.path() / "messages");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(AllCores, AreForChildrenOfAThreadBoundToOneCore) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  int core = 0;
  while (!CPU_ISSET(core, &before)) ++core;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  {
    const AllCores cores;
    EXPECT_GE(cores.count(), CPU_COUNT(&before));
    const TemporaryFolder folder;
    ChildProcesses children;
    children.start(1, {"nproc"}, folder.path(), folder.path() / "cores");
    children.wait();
    EXPECT_EQ(std::stoi(read_text(folder.path() / "cores", 100)), cores.count());
  }
  EXPECT_EQ(cores_of_this_thread(), 1);
  ::sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace alphahill
