/// What the GPU backend asks of a device: memory, copies, casts and dense algebra, done in the order of the
/// calls while the host goes on.
///
/// Matrices are in fp64 and column-major, of symmetric ones the lower triangle counts. `wait`, the downloads
/// and what returns a value wait until the device is done; memory of the host that is uploaded must stay as
/// it is until then, or until an `await` of a later mark.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "alphahill/base/error.hpp"
#include "spectrum/backends/device/block_cast.hpp"
#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

/// What went wrong on a device, and how far that reaches.
class DeviceError : public Error {
 public:
  enum class Extent {
    this_layer,   ///< too little memory, no convergence, a call that is not possible
    device_lost,  ///< nothing on the device can be trusted any more
  };
  DeviceError(Extent extent, std::string where, std::string reason)
      : Error(Fault::system, std::move(where), std::move(reason)), extent_(extent) {}

  Extent extent() const { return extent_; }

 private:
  Extent extent_;
};

/// Every call may throw a DeviceError.
class DeviceQueue {
 public:
  virtual ~DeviceQueue() = default;

  /// To be called first by a thread that begins to use the queue; one at a time may.
  virtual void begin_here() = 0;

  /// Memory of the device, set to zero.
  virtual void* allocate(std::int64_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// Memory of the host that copies to and from the device are fast with; what is in it is undefined.
  virtual void* allocate_on_host(std::int64_t bytes) = 0;
  /// When the device is done with it; the queue keeps it for the next that asks.
  virtual void release_on_host(void* memory) noexcept = 0;

  virtual void upload(const void* from, void* to, std::int64_t bytes) = 0;
  virtual void download(const void* from, void* to, std::int64_t bytes) = 0;
  /// A rows x cols matrix of the device to the host.
  virtual void download(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) = 0;
  /// Within the device.
  virtual void copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) = 0;
  /// Marks this place in the queue; slots are small numbers.
  virtual void mark(int slot) = 0;
  /// Waits until the device has passed the last mark of the slot, if there is one.
  virtual void await(int slot) = 0;
  virtual void wait() = 0;

  virtual void cast(const BlockCast& block, const BlockSurvey& survey) = 0;
  /// G := G + op(A) op(A)^T; G is n x n, op(A) n x k.
  virtual void add_gram(std::int64_t n, std::int64_t k, lapack::Operand a, lapack::Result g) = 0;
  /// C := keep C + factor op(A) op(B); C is m x n, op(A) m x k, op(B) k x n.
  virtual void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                        lapack::Operand b, double keep, lapack::Result c) = 0;
  /// Y := V A; A is symmetric of order n, V and Y are vectors x n without gaps.
  virtual void multiply_symmetric(std::int64_t n, std::int64_t vectors, lapack::Operand a, const double* v,
                                  double* y) = 0;
  /// C := C - V^T W - W^T V; C is n x n, V and W are k x n without gaps.
  virtual void subtract_rank_2k(std::int64_t n, std::int64_t k, const double* v, const double* w,
                                lapack::Result c) = 0;
  /// Sum of the squares of `count` values at this distance.
  virtual double squared_norm(std::int64_t count, const double* values, std::int64_t distance) = 0;
  /// Bytes of the device that `eigenvalues` takes besides A.
  virtual std::int64_t solver_bytes(std::int64_t n) = 0;
  /// All eigenvalues of A (n x n), ascending. Destroys A.
  virtual std::vector<double> eigenvalues(std::int64_t n, lapack::Result a) = 0;
  /// Bytes of the device that `eigenvalues_of_all` takes besides its matrices.
  virtual std::int64_t solver_bytes_of_all(std::int64_t n, std::int64_t /*count*/) { return solver_bytes(n); }
  /// Of `count` matrices that lie one behind the other without gaps, as their eigenvalues then do.
  /// Those that do not converge may be NaN instead of an error.
  virtual std::vector<double> eigenvalues_of_all(std::int64_t n, std::int64_t count, double* a) {
    std::vector<double> all;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::vector<double> values = eigenvalues(n, {a + i * n * n, n});
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }
};

using MakeQueue = std::function<std::unique_ptr<DeviceQueue>()>;

/// An array in the memory of a device, or in the host's for copies to and from it.
template <class Value>
class DeviceArray {
 public:
  enum class Place { device, host };

  DeviceArray(DeviceQueue& queue, std::int64_t count, Place place = Place::device)
      : queue_(queue), count_(count), place_(place) {
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(Value));
    values_ =
        static_cast<Value*>(place == Place::device ? queue.allocate(bytes) : queue.allocate_on_host(bytes));
  }
  ~DeviceArray() {
    if (place_ == Place::device) {
      queue_.release(values_);
    } else {
      queue_.release_on_host(values_);
    }
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  Value* get() const { return values_; }
  std::int64_t count() const { return count_; }
  /// A copy on the host of what is on the device.
  std::vector<Value> downloaded() const {
    std::vector<Value> copy(static_cast<std::size_t>(count_));
    queue_.download(values_, copy.data(), count_ * static_cast<std::int64_t>(sizeof(Value)));
    return copy;
  }

 private:
  DeviceQueue& queue_;
  std::int64_t count_;
  Place place_;
  Value* values_;
};

}  // namespace alphahill
