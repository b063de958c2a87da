#include "programs/run/snapshots.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "alphahill/base/best_effort.hpp"

namespace alphahill {

Snapshots::Snapshots(std::function<void()> write, Clock::duration interval)
    : write_(std::move(write)), interval_(interval), due_(Clock::now() + interval) {}

void Snapshots::write_if_due() {
  const auto start = Clock::now();
  if (start < due_) return;
  const auto failure = failure_of(write_);
  if (failure && !std::exchange(warned_, true)) {
    spdlog::warn("{}; the results are written when the run is over", *failure);
  }
  const auto end = Clock::now();
  due_ = end + std::max(interval_, 100 * (end - start));
}

}  // namespace alphahill
