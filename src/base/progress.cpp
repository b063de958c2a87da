#include "alphahill/base/progress.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

using namespace std::chrono_literals;

constexpr auto live_interval = 100ms;
constexpr auto shortest_plain_interval = 2s;
constexpr auto longest_plain_interval = 30s;
constexpr double plain_part = 0.1;
constexpr std::size_t shown_name = 36;

}  // namespace

Progress::Progress(std::string what, std::int64_t items, double work, const DoneBefore& before)
    : what_(std::move(what)),
      items_(items),
      last_item_(items - before.left_out),
      work_(work - before.work),
      work_before_(before.work),
      items_done_(before.items),
      live_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  if (live_ && work_done_ > 0) std::fputs("\r\x1b[K", stderr);
}

bool Progress::due(Clock::time_point now) const {
  if (items_done_ == last_item_) return true;
  const auto silence = now - shown_;
  if (live_) return silence >= live_interval;
  const bool much_done = work_done_ / work_ - shown_part_ >= plain_part;
  return silence >= (much_done ? shortest_plain_interval : longest_plain_interval);
}

std::string Progress::line(double elapsed_seconds, const std::string& latest,
                           std::optional<double> seconds_left) const {
  const double part = work_ > 0 ? work_done_ / work_ : 1;
  const double all = work_before_ + work_;
  const double part_of_all = all > 0 ? (work_before_ + work_done_) / all : 1;
  const double at_this_rate = part > 0 ? elapsed_seconds * (1 - part) / part : INFINITY;
  const double left = seconds_left.value_or(at_this_rate);
  const bool fits = latest.size() <= shown_name;
  return fmt::format("{}/{} {}  {:.0f}%  {} left  {}", items_done_, items_, what_, 100 * part_of_all,
                     human_seconds(left), fits ? latest : "…" + latest.substr(latest.size() - shown_name));
}

void Progress::advance(double work, const std::string& latest, std::int64_t items,
                       std::optional<double> seconds_left) {
  items_done_ += items;
  work_done_ += work;
  const auto now = Clock::now();
  if (!due(now)) return;
  shown_ = now;
  shown_part_ = work_done_ / work_;
  const std::string text = line(std::chrono::duration<double>(now - start_).count(), latest, seconds_left);
  if (live_) {
    std::fputs(("\r\x1b[K" + text).c_str(), stderr);  // fmt::print throws where that fails
  } else {
    spdlog::info("{}", text);
  }
}

}  // namespace alphahill
