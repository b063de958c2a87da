#include "alphahill/cluster/job_limits.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <ctime>
#include <string>

#include "alphahill/base/surroundings.hpp"

namespace alphahill {
namespace {

/// An environment variable for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name), before_(environment(name)) {
    ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_.empty()) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, before_.c_str(), 1);
    }
  }

 private:
  const char* name_;
  std::string before_;
};

TEST(JobLimits, SlurmTimesAreRead) {
  EXPECT_EQ(parse_slurm_time("1-02:03:04"), 93784);
  EXPECT_EQ(parse_slurm_time("02:03:04\n"), 7384);
  EXPECT_EQ(parse_slurm_time("3:04"), 184);
  for (const char* none : {"UNLIMITED", "INVALID", "NOT_SET", "", "12", "-1:00", "1:2:3:4"}) {
    EXPECT_EQ(parse_slurm_time(none), std::nullopt) << none;
  }
}

TEST(JobLimits, OutsideSlurmThereIsNoTimeLimit) {
  const Variable job("SLURM_JOB_ID", "1; touch x");
  EXPECT_EQ(slurm_seconds_left(), std::nullopt);
}

TEST(JobLimits, WhereSqueueDoesNotAnswerTheEndOfTheJobCounts) {
  const Variable no_programs("PATH", "/nowhere");
  const Variable job("SLURM_JOB_ID", "1");
  EXPECT_EQ(slurm_seconds_left(), std::nullopt);
  const Variable end("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 100).c_str());
  EXPECT_NEAR(slurm_seconds_left().value(), 100, 5);
}

TEST(JobLimits, SlurmsMemoryCounts) {
  const std::int64_t all = memory_of_node();
  EXPECT_GT(all, 0);
  {
    const Variable node("SLURM_MEM_PER_NODE", "5");
    EXPECT_EQ(memory_of_node(), 5 << 20);
  }
  const Variable per_cpu("SLURM_MEM_PER_CPU", "3");
  const Variable cpus("SLURM_CPUS_ON_NODE", "2");
  EXPECT_EQ(memory_of_node(), 6 << 20);
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
