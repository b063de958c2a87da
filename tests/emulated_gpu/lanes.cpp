#include "lanes.hpp"

#include <algorithm>
#include <array>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdio>
#include <cstdlib>
#include <random>
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

/// Of lanes one after the other the upper ones come to a shuffle first, where the order is downwards: each then finds what
/// it asks for and does not wait. So some are several shuffles ahead of others.
constexpr std::size_t most_ahead = 16;
struct Handed {
  double value;
  int line;
};
std::array<std::array<Handed, most_lanes>, most_ahead> handed;
std::array<std::size_t, most_lanes> shuffles;  ///< of each lane, so far
bool downwards;
context::fiber scheduler;
int meeting_line;
constexpr int the_end = 0;

[[noreturn]] void diverged(int line, int other_line) {
  std::fprintf(stderr, "emulated GPU: lane %u waits at line %d, another at %d\n", threadIdx.x, line,
               other_line);
  std::abort();
}

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
    downwards = orders_() % 2 == 0;
    const auto count = static_cast<unsigned>(lanes_.size());
    for (unsigned i = 0; i < count; ++i) {
      threadIdx.x = downwards ? count - 1 - i : i;
      const int before = std::exchange(meeting_line, the_end);
      lanes_[threadIdx.x] = std::move(lanes_[threadIdx.x]).resume();
      if (i > 0 && meeting_line != before) diverged(meeting_line, before);
    }
    const auto has_shuffled_as_others = [](std::size_t number) { return number == shuffles[0]; };
    if (!std::all_of(shuffles.begin(), shuffles.begin() + count, has_shuffled_as_others)) {
      diverged(meeting_line, meeting_line);
    }
    return meeting_line != the_end;
  }

  std::vector<context::fiber> lanes_;
  static inline std::minstd_rand orders_;
  // No power of two, at which all stacks would have the same places in the processor's caches.
  static inline context::pooled_fixedsize_stack stacks_{65 * 1024 + 256};
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
  const std::size_t number = shuffles[self]++;
  auto& of_lanes = handed[number % most_ahead];
  of_lanes[self] = {value, line};
  if (!downwards) meet(line);
  const unsigned other = self + static_cast<unsigned>(distance);
  if (other / warp != self / warp) return value;
  const bool is_there = shuffles[other] > number && shuffles[other] <= number + most_ahead;
  if (!is_there || of_lanes[other].line != line) diverged(line, of_lanes[other].line);
  return of_lanes[other].value;
}

}  // namespace emulated
