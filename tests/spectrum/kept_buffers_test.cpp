/// Buffers that are kept for the next that asks.
#include "spectrum/backends/device/kept_buffers.hpp"

#include <gtest/gtest.h>

#include <map>
#include <new>

namespace alphahill {
namespace {

class KeptBuffersTest : public testing::Test {
 protected:
  void* make(std::int64_t bytes) {
    if (bytes > 1000) throw std::bad_alloc();
    void* const memory = ::operator new(static_cast<std::size_t>(bytes));
    alive[memory] = bytes;
    ++made;
    return memory;
  }
  void destroy(void* memory) {
    alive.erase(memory);
    ::operator delete(memory);
  }

  std::map<void*, std::int64_t> alive;
  int made = 0;
  KeptBuffers buffers{[this](std::int64_t bytes) { return make(bytes); },
                      [this](void* memory) { destroy(memory); }};
};

TEST_F(KeptBuffersTest, TheSmallestThatIsLargeEnoughIsTakenAgain) {
  void* const large = buffers.take(300);
  void* const medium = buffers.take(200);
  void* const small = buffers.take(100);
  for (void* memory : {medium, large, small}) buffers.release(memory);
  EXPECT_EQ(buffers.take(150), medium);
  EXPECT_EQ(buffers.take(150), large) << "as the better one is taken";
  EXPECT_EQ(buffers.take(1), small);
  EXPECT_EQ(made, 3);
}

TEST_F(KeptBuffersTest, ALargerOneTakesThePlaceOfTheLargest) {
  void* const small = buffers.take(10);
  buffers.release(buffers.take(20));
  buffers.release(small);
  for (std::int64_t bytes = 30; bytes < 100; ++bytes) buffers.release(buffers.take(bytes));
  EXPECT_EQ(alive.size(), 2U);
  EXPECT_EQ(alive.at(small), 10);
}

TEST_F(KeptBuffersTest, OneThatCannotBeMadeLeavesTheOthers) {
  void* const taken = buffers.take(10);
  buffers.release(buffers.take(20));
  EXPECT_THROW(buffers.take(2000), std::bad_alloc);
  EXPECT_EQ(alive.size(), 1U);
  buffers.release(taken);
  EXPECT_EQ(buffers.take(10), taken);
}

TEST_F(KeptBuffersTest, AllAreDestroyedAtTheEnd) {
  {
    KeptBuffers other([this](std::int64_t bytes) { return make(bytes); },
                      [this](void* memory) { destroy(memory); });
    other.release(other.take(10));
    other.release(other.take(20));
  }
  EXPECT_TRUE(alive.empty());
}

}  // namespace
}  // namespace alphahill
