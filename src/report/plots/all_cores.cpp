#include "report/plots/all_cores.hpp"

#include <algorithm>
#include <cstring>

namespace alphahill {

AllCores::AllCores() {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t all;
  std::memset(&all, 0xFF, sizeof all);
  ::sched_setaffinity(0, sizeof all, &all);  // the kernel leaves those that are granted
  ::sched_getaffinity(0, sizeof all, &all);
  count_ = std::max(1, CPU_COUNT(&all));
}

AllCores::~AllCores() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace alphahill
