#include "alphahill/base/environment.hpp"

#include <gtest/gtest.h>

#include "support/environment_variable.hpp"

namespace alphahill {
namespace {

TEST(EnvironmentNumber, IsTheWholeNumberThatAVariableHolds) {
  for (const auto& [text, number] : {std::pair{"12", 12}, {"0", 0}, {"-3", -3}}) {
    const EnvironmentVariable variable("ALPHAHILL_TEST_NUMBER", text);
    EXPECT_EQ(environment_number("ALPHAHILL_TEST_NUMBER"), number) << text;
  }
}

TEST(EnvironmentNumber, IsNothingWhereTheVariableIsNotSetOrHoldsAnythingElse) {
  EXPECT_EQ(environment_number("ALPHAHILL_TEST_NUMBER"), std::nullopt);
  for (const char* text : {"", "four", "4 ", "4(x2)", "1e3", "99999999999999999999"}) {
    const EnvironmentVariable variable("ALPHAHILL_TEST_NUMBER", text);
    EXPECT_EQ(environment_number("ALPHAHILL_TEST_NUMBER"), std::nullopt) << text;
  }
}

TEST(HomeFolder, StandsForALeadingTilde) {
  const EnvironmentVariable home("HOME", "/home/ada");
  EXPECT_EQ(with_home_folder("~"), "/home/ada");
  EXPECT_EQ(with_home_folder("~/models/x"), "/home/ada/models/x");
  for (const char* other : {"", "~bob/x", "x/~/y", "/x"}) EXPECT_EQ(with_home_folder(other), other);
}

TEST(TasksOfSlurmStep, AreThoseOfTheJobWhereNoStepIsKnown) {
  const EnvironmentVariable job("SLURM_NTASKS", "8");
  const EnvironmentVariable no_step("SLURM_STEP_NUM_TASKS", "");
  EXPECT_EQ(tasks_of_slurm_step(), 8);
  const EnvironmentVariable step("SLURM_STEP_NUM_TASKS", "2");
  EXPECT_EQ(tasks_of_slurm_step(), 2);
}

}  // namespace
}  // namespace alphahill
