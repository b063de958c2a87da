#include "report/plots/all_cores.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace alphahill {
namespace {

int cores_of_this_thread() {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof set, &set);
  return CPU_COUNT(&set);
}

TEST(AllCores, AreForThreadsOfAThreadBoundToOneCore) {
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
    int of_thread = 0;
    std::thread([&] { of_thread = cores_of_this_thread(); }).join();
    EXPECT_EQ(of_thread, cores.count());
  }
  EXPECT_EQ(cores_of_this_thread(), 1);
  ::sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace alphahill
