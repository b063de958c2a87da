/// A team whose members are threads of one process.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "alphahill/spectrum/team.hpp"
#include "support/replicated_matrix.hpp"

namespace alphahill {

/// As std::barrier, whose threads spin before they sleep: on a busy machine that takes ten times as long.
class SleepingBarrier {
 public:
  explicit SleepingBarrier(int threads) : threads_(threads), missing_(threads) {}

  void arrive_and_wait() {
    std::unique_lock lock(mutex_);
    if (--missing_ == 0) {
      missing_ = threads_;
      ++phase_;
      all_here_.notify_all();
      return;
    }
    all_here_.wait(lock, [this, phase = phase_] { return phase_ != phase; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  const int threads_;
  int missing_;
  std::int64_t phase_ = 0;
};

/// What the members of a team of threads have in common.
struct ThreadTeamRoom {
  explicit ThreadTeamRoom(int members) : barrier(members), spans(static_cast<std::size_t>(members)) {}

  SleepingBarrier barrier;
  std::vector<std::span<std::byte>> spans;
};

class ThreadTeam final : public Team {
 public:
  ThreadTeam(ThreadTeamRoom& room, int rank) : room_(room), rank_(rank) {}

  int size() const override { return static_cast<int>(room_.spans.size()); }
  int rank() const override { return rank_; }

  void broadcast(std::span<std::byte> bytes, int root) override {
    show(bytes);
    const auto source = room_.spans[static_cast<std::size_t>(root)];
    if (rank_ != root && !bytes.empty()) std::memcpy(bytes.data(), source.data(), bytes.size());
    room_.barrier.arrive_and_wait();
  }

  void sum(std::span<double> values) override { combine(values, std::plus<double>()); }

  void maximum(std::span<double> values) override {
    combine(values, [](double a, double b) { return std::max(a, b); });
  }

  bool any(bool mine) override {
    std::vector<double> count{mine ? 1.0 : 0.0};
    sum(count);
    return count[0] > 0;
  }

  std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) override {
    return make_replicated_matrix(rows, cols);
  }

 private:
  /// Replaces the values by those of all members, combined in their order.
  template <class Operation>
  void combine(std::span<double> values, Operation operation) {
    show(std::as_writable_bytes(values));
    std::vector<double> total(values.size());
    for (std::size_t member = 0; member < room_.spans.size(); ++member) {
      const auto* theirs = reinterpret_cast<const double*>(room_.spans[member].data());
      for (std::size_t i = 0; i < total.size(); ++i) {
        total[i] = member == 0 ? theirs[i] : operation(total[i], theirs[i]);
      }
    }
    room_.barrier.arrive_and_wait();
    std::ranges::copy(total, values.begin());
  }
  void show(std::span<std::byte> bytes) {
    room_.spans[static_cast<std::size_t>(rank_)] = bytes;
    room_.barrier.arrive_and_wait();
  }

  ThreadTeamRoom& room_;
  int rank_;
};

/// Runs `member` on each member of a team of threads; it must not throw.
inline void run_as_team(int members, const std::function<void(Team&)>& member) {
  ThreadTeamRoom room(members);
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < members; ++rank) {
    threads.emplace_back([&room, &member, rank] {
      ThreadTeam team(room, rank);
      member(team);
    });
  }
}

}  // namespace alphahill
