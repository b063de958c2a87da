#include "alphahill/runtime/job_limits.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ctime>
#include <string>

#include "support/captured_log.hpp"
#include "support/environment_variable.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

TEST(JobLimits, SlurmTimesAreRead) {
  EXPECT_EQ(parse_slurm_time("1-02:03:04"), 93784);
  EXPECT_EQ(parse_slurm_time("02:03:04\n"), 7384);
  EXPECT_EQ(parse_slurm_time("3:04"), 184);
  for (const char* none : {"UNLIMITED", "INVALID", "NOT_SET", "", "12", "-1:00", "1:2:3:4"}) {
    EXPECT_EQ(parse_slurm_time(none), std::nullopt) << none;
  }
}

TEST(JobLimits, OutsideSlurmThereIsNoTimeLimit) {
  const EnvironmentVariable job("SLURM_JOB_ID", "1; touch x");
  EXPECT_EQ(slurm_seconds_left(), std::nullopt);
}

TEST(JobLimits, WhereSqueueDoesNotAnswerTheEndOfTheJobCounts) {
  const EnvironmentVariable no_programs("PATH", "/nowhere");
  const EnvironmentVariable job("SLURM_JOB_ID", "1");
  EXPECT_EQ(slurm_seconds_left(), std::nullopt);
  const EnvironmentVariable end("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 100).c_str());
  EXPECT_NEAR(slurm_seconds_left().value(), 100, 5);
}

/// A squeue that runs this shell script.
class Squeue {
 public:
  explicit Squeue(const std::string& script) {
    const auto program = folder_.write("squeue", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }

 private:
  TemporaryFolder folder_;
  EnvironmentVariable path_{"PATH", (folder_.path().string() + ":/usr/bin:/bin").c_str()};
  EnvironmentVariable job_{"SLURM_JOB_ID", "1"};
};

TEST(JobLimits, SqueueSaysWhatIsLeft) {
  const CapturedLog log;
  const Squeue squeue("echo 1:02:03");
  EXPECT_EQ(slurm_seconds_left(), 3723);
  EXPECT_EQ(log.text(), "");
}

TEST(JobLimits, AJobWithoutALimitIsNothingToWarnOf) {
  const CapturedLog log;
  const Squeue squeue("echo UNLIMITED");
  EXPECT_EQ(slurm_seconds_left(), std::nullopt);
  EXPECT_EQ(log.text(), "");
}

TEST(JobLimits, AnEndThatMakesNoSenseIsNoLimitWithOneWarning) {
  const EnvironmentVariable end("SLURM_JOB_END_TIME", "1000000000");
  for (const char* answer : {"0:00", "INVALID", "NOT_SET", "nan", "-1:00", ""}) {
    const CapturedLog log;
    const Squeue squeue(std::string("echo ") + answer);
    EXPECT_EQ(slurm_seconds_left(), std::nullopt) << answer;
    EXPECT_EQ(log.text(),
              std::string("warning: job 1: squeue says '") + answer +
                  "' of the time that is left, and SLURM_JOB_END_TIME is '1000000000': no limit is "
                  "assumed\n");
  }
}

TEST(JobLimits, ASqueueThatHangsIsNotWaitedFor) {
  const Squeue squeue("exec sleep 1000");
  const EnvironmentVariable end("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 100).c_str());
  EXPECT_NEAR(slurm_seconds_left().value(), 95, 6);
}

TEST(JobLimits, SlurmsMemoryCounts) {
  const NodeMemory all = memory_of_node();
  EXPECT_GT(all.bytes, 0);
  EXPECT_EQ(all.warning, "");
  {
    const EnvironmentVariable node("SLURM_MEM_PER_NODE", "5");
    EXPECT_EQ(memory_of_node().bytes, 5 << 20);
  }
  const EnvironmentVariable per_cpu("SLURM_MEM_PER_CPU", "3");
  const EnvironmentVariable cpus("SLURM_CPUS_ON_NODE", "2");
  EXPECT_EQ(memory_of_node().bytes, 6 << 20);
}

TEST(JobLimits, ZeroIsAllOfANodesMemory) {
  for (const char* variable : {"SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"}) {
    const EnvironmentVariable cpus("SLURM_CPUS_ON_NODE", "2");
    const EnvironmentVariable all(variable, "0");
    EXPECT_GT(memory_of_node().bytes, 1 << 24);
    EXPECT_EQ(memory_of_node().warning, "");
  }
}

TEST(JobLimits, AMemoryThatMakesNoSenseIsNoLimit) {
  const auto expect_no_limit = [](const std::string& culprit) {
    const NodeMemory memory = memory_of_node();
    EXPECT_GT(memory.bytes, 1 << 24);
    EXPECT_EQ(memory.warning,
              culprit + ": expected a number above zero; no limit of the memory is taken from that");
  };
  for (const std::string nonsense : {"-5", "nan", "inf", "5G", "1e3", "99999999999999999999"}) {
    {
      const EnvironmentVariable node("SLURM_MEM_PER_NODE", nonsense.c_str());
      expect_no_limit("SLURM_MEM_PER_NODE is '" + nonsense + "'");
    }
    const EnvironmentVariable cpus("SLURM_CPUS_ON_NODE", "2");
    const EnvironmentVariable per_cpu("SLURM_MEM_PER_CPU", nonsense.c_str());
    expect_no_limit("SLURM_MEM_PER_CPU is '" + nonsense + "'");
  }
  const EnvironmentVariable cpus("SLURM_CPUS_ON_NODE", "0");
  const EnvironmentVariable per_cpu("SLURM_MEM_PER_CPU", "3");
  expect_no_limit("SLURM_CPUS_ON_NODE is '0'");
}

TEST(JobLimits, AMemoryTooLargeForANumberIsNoLimit) {
  const EnvironmentVariable node("SLURM_MEM_PER_NODE", "9223372036854775807");
  EXPECT_GT(memory_of_node().bytes, 1 << 24);
  EXPECT_EQ(memory_of_node().warning, "");
}

TEST(JobLimits, ALimitOfTheAddressSpaceCounts) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  constexpr std::int64_t limit = std::int64_t{64} << 40;
  const rlimit limited{limit, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const std::int64_t left = address_space_left();
  EXPECT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_LT(left, limit);
  EXPECT_GT(left, 0);
}

}  // namespace
}  // namespace alphahill
