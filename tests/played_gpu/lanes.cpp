#include "lanes.hpp"

#include <array>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdio>
#include <cstdlib>
#include <vector>

uint3 threadIdx{};
uint3 blockIdx{};
dim3 blockDim;
dim3 gridDim;

namespace played {

namespace {

namespace context = boost::context;

constexpr unsigned most_lanes = 1024;
constexpr unsigned warp = 32;

/// Values that lanes hand to each other, of one shuffle and the next.
std::array<std::array<double, most_lanes>, 2> shuffled;
std::array<unsigned, most_lanes> shuffles;
context::fiber scheduler;
const char* meeting_place;

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
  /// Every lane once, to where they meet. @return is there more to do?
  bool turn() {
    const char* place = nullptr;
    for (unsigned i = 0; i < lanes_.size(); ++i) {
      meeting_place = "the end";
      threadIdx.x = i;
      lanes_[i] = std::move(lanes_[i]).resume();
      if (i > 0 && meeting_place != place) diverged(i, place);
      place = meeting_place;
    }
    return static_cast<bool>(lanes_.back());
  }

  [[noreturn]] static void diverged(unsigned i, const char* place) {
    std::fprintf(stderr, "played GPU: lane %u is at %s, those before it at %s\n", i, meeting_place, place);
    std::abort();
  }

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

void meet(const char* place) {
  meeting_place = place;
  scheduler = std::move(scheduler).resume();
}

double shuffled_down(double value, int distance) {
  const unsigned self = threadIdx.x;
  auto& values = shuffled[shuffles[self]++ % 2];
  values[self] = value;
  meet("__shfl_down_sync");
  const unsigned other = self + static_cast<unsigned>(distance);
  return values[other / warp == self / warp ? other : self];
}

}  // namespace played
