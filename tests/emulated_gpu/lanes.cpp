#include "lanes.hpp"

#include <array>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

uint3 threadIdx{};
uint3 blockIdx{};
dim3 blockDim;
dim3 gridDim;

namespace emulated {

namespace {

namespace context = boost::context;

constexpr unsigned most_lanes = 1024;
constexpr unsigned warp = 32;

/// Values that lanes hand to each other, of one shuffle and the next.
std::array<std::array<double, most_lanes>, 2> shuffled;
std::array<unsigned, most_lanes> shuffles;
context::fiber scheduler;
int meeting_line;
constexpr int the_end = 0;

class Block {
 public:
  Block(unsigned lanes, const std::function<void()>& kernel) {
    shuffles.fill(0);
    for (unsigned i = 0; i < lanes; ++i) {
      lanes_.emplace_back(std::allocator_arg, stacks_, [&kernel](context::fiber&& resumed) {
        scheduler = std::move(resumed);
        kernel();
        return std::move(scheduler);
      });
    }
  }

  void run() {
    while (turn()) {
    }
  }

 private:
  /// Every lane once, to where they meet, from the other end each time. @return is there more to do?
  bool turn() {
    backwards_ = !backwards_;
    const auto count = static_cast<unsigned>(lanes_.size());
    for (unsigned i = 0; i < count; ++i) {
      threadIdx.x = backwards_ ? count - 1 - i : i;
      const int before = std::exchange(meeting_line, the_end);
      lanes_[threadIdx.x] = std::move(lanes_[threadIdx.x]).resume();
      if (i > 0 && meeting_line != before) diverged(before);
    }
    return meeting_line != the_end;
  }

  [[noreturn]] static void diverged(int line) {
    std::fprintf(stderr, "emulated GPU: lane %u waits at line %d, another at %d\n", threadIdx.x, meeting_line,
                 line);
    std::abort();
  }

  bool backwards_ = false;
  std::vector<context::fiber> lanes_;
  static inline context::pooled_fixedsize_stack stacks_{64 * 1024};
};

}  // namespace

void run_blocks(dim3 blocks, dim3 threads, const std::function<void()>& kernel) {
  gridDim = blocks;
  blockDim = threads;
  for (blockIdx.y = 0; blockIdx.y < blocks.y; ++blockIdx.y) {
    for (blockIdx.x = 0; blockIdx.x < blocks.x; ++blockIdx.x) Block(threads.x, kernel).run();
  }
}

void meet(int line) {
  meeting_line = line;
  scheduler = std::move(scheduler).resume();
}

double shuffled_down(double value, int distance, int line) {
  const unsigned self = threadIdx.x;
  auto& values = shuffled[shuffles[self]++ % 2];
  values[self] = value;
  meet(line);
  const unsigned other = self + static_cast<unsigned>(distance);
  return values[other / warp == self / warp ? other : self];
}

}  // namespace emulated
