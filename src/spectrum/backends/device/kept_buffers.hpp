/// Buffers that stay with their owner when they are released, for the next that asks: to make one that copies to and
/// from a device are fast with takes longer than many a copy, and may wait for all work of the device.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace alphahill {

class KeptBuffers {
 public:
  /// @param make  a buffer of so many bytes; may throw
  KeptBuffers(std::function<void*(std::int64_t bytes)> make, std::function<void(void*)> destroy);
  /// Destroys those that are kept. @pre all have been released
  ~KeptBuffers();
  KeptBuffers(const KeptBuffers&) = delete;
  KeptBuffers& operator=(const KeptBuffers&) = delete;

  /// The smallest of those kept that is large enough; where there is none, a new one takes the place of the largest.
  void* take(std::int64_t bytes);
  void release(void* memory) noexcept;

 private:
  struct Buffer {
    void* memory;
    std::int64_t bytes;
    bool taken;
  };

  std::function<void*(std::int64_t)> make_;
  std::function<void(void*)> destroy_;
  std::vector<Buffer> buffers_;  ///< by size
};

}  // namespace alphahill
