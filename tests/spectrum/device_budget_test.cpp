#include "spectrum/backends/device/device_budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {
namespace {

TEST(DeviceBudget, RefusesWhatNeverFits) {
  DeviceBudget budget(100);
  EXPECT_NO_THROW(budget.claim(100));
  EXPECT_THROW(budget.claim(101), DeviceError);
  EXPECT_NO_THROW(budget.claim(100)) << "a refusal holds nothing back";
}

TEST(DeviceBudget, LayersInFlightNeverExceedIt) {
  DeviceBudget budget(100);
  std::atomic<std::int64_t> used = 0;
  std::atomic<std::int64_t> most = 0;
  {
    std::vector<std::jthread> lanes;
    for (int lane = 0; lane < 6; ++lane) {
      lanes.emplace_back([&, lane] {
        for (std::int64_t layer = 0; layer < 200; ++layer) {
          const std::int64_t bytes = 1 + (layer * 37 + lane * 11) % 100;
          const auto claim = budget.claim(bytes);
          const std::int64_t now = used += bytes;
          std::int64_t before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) {
          }
          used -= bytes;
        }
      });
    }
  }
  EXPECT_EQ(used, 0);
  EXPECT_LE(most, 100);
}

TEST(DeviceBudget, AClaimForNowWaitsForNobodyAndPassesNobodyBy) {
  DeviceBudget budget(100);
  auto held = budget.try_claim(60);
  EXPECT_TRUE(held);
  EXPECT_TRUE(budget.try_claim(40));
  EXPECT_FALSE(budget.try_claim(41));
  std::jthread waiting([&] { budget.claim(100); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(budget.try_claim(40));
  held.reset();
}

/// A large layer waits behind the small ones that were there before it, not behind those that come later.
TEST(DeviceBudget, FirstComeFirstServed) {
  DeviceBudget budget(100);
  std::vector<char> order;
  std::jthread large;
  std::jthread small;
  {
    const auto claim = budget.claim(60);
    large = std::jthread([&] {
      const auto all = budget.claim(100);
      order.push_back('L');
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    small = std::jthread([&] {
      const auto some = budget.claim(10);
      order.push_back('s');
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(order.empty());
  }
  large.join();
  small.join();
  EXPECT_EQ(order, (std::vector<char>{'L', 's'}));
}

}  // namespace
}  // namespace alphahill
