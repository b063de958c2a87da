#include "spectrum/backends/device/device_budget.hpp"

#include "alphahill/base/text.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

std::unique_ptr<DeviceBudget::Claim> DeviceBudget::claim(std::int64_t bytes) {
  if (bytes > bytes_) {
    throw DeviceError(DeviceError::Extent::this_layer, "memory of the GPU",
                      "a layer needs " + human_bytes(static_cast<double>(bytes)) + ", there are " +
                          human_bytes(static_cast<double>(bytes_)));
  }
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return ticket == next_served_ && bytes <= free_; });
  ++next_served_;
  free_ -= bytes;
  changed_.notify_all();
  return std::make_unique<Claim>(*this, bytes);
}

std::unique_ptr<DeviceBudget::Claim> DeviceBudget::try_claim(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (next_served_ != next_ticket_ || bytes > free_) return nullptr;
  free_ -= bytes;
  return std::make_unique<Claim>(*this, bytes);
}

void DeviceBudget::give_back(std::int64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    free_ += bytes;
  }
  changed_.notify_all();
}

}  // namespace alphahill
