/// What the layers in flight on a device share: its memory, and whether it still can be used.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace alphahill {

class DeviceBudget {
 public:
  explicit DeviceBudget(std::int64_t bytes) : bytes_(bytes), free_(bytes) {}

  /// Bytes of the budget, for as long as this lives.
  class Claim {
   public:
    Claim(DeviceBudget& budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}
    ~Claim() { budget_.give_back(bytes_); }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    DeviceBudget& budget_;
    std::int64_t bytes_;
  };

  /// Waits until as much is free; first come, first served, so that a large layer is not passed over without end.
  /// @throws DeviceError(this_layer) when the whole budget is less
  std::unique_ptr<Claim> claim(std::int64_t bytes);
  /// Null where it would have to wait.
  std::unique_ptr<Claim> try_claim(std::int64_t bytes);

  /// After an error for good. @return is this the first?
  bool mark_lost() { return !lost_.exchange(true); }
  bool lost() const { return lost_; }

 private:
  void give_back(std::int64_t bytes);

  std::int64_t bytes_;
  std::int64_t free_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t next_served_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> lost_ = false;
};

}  // namespace alphahill
