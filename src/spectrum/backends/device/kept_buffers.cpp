#include "spectrum/backends/device/kept_buffers.hpp"

#include <algorithm>
#include <utility>

namespace alphahill {

KeptBuffers::KeptBuffers(std::function<void*(std::int64_t)> make, std::function<void(void*)> destroy)
    : make_(std::move(make)), destroy_(std::move(destroy)) {}

KeptBuffers::~KeptBuffers() {
  for (const Buffer& buffer : buffers_) destroy_(buffer.memory);
}

void* KeptBuffers::take(std::int64_t bytes) {
  const auto kept = [](const Buffer& buffer) { return !buffer.taken; };
  const auto fits = [&](const Buffer& buffer) { return kept(buffer) && buffer.bytes >= bytes; };
  if (const auto found = std::find_if(buffers_.begin(), buffers_.end(), fits); found != buffers_.end()) {
    found->taken = true;
    return found->memory;
  }
  if (const auto largest = std::find_if(buffers_.rbegin(), buffers_.rend(), kept);
      largest != buffers_.rend()) {
    destroy_(largest->memory);
    buffers_.erase(std::next(largest).base());
  }
  buffers_.reserve(buffers_.size() + 1);
  const Buffer made{make_(bytes), bytes, true};
  const auto smaller = [](const Buffer& one, const Buffer& other) { return one.bytes < other.bytes; };
  buffers_.insert(std::upper_bound(buffers_.begin(), buffers_.end(), made, smaller), made);
  return made.memory;
}

void KeptBuffers::release(void* memory) noexcept {
  for (Buffer& buffer : buffers_) {
    if (buffer.memory == memory) buffer.taken = false;
  }
}

}  // namespace alphahill
