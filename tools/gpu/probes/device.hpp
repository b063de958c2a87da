/// What probes need of the device: memory, handles, and seconds by its own clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "spectrum/backends/device/cuda_edge.hpp"

namespace alphahill::probes {

using cuda::check;

/// The streams of lanes do not wait for it.
inline void wait_for_default_stream() {
  check("cudaStreamSynchronize", cudaStreamSynchronize(nullptr));
}

/// An array of the device; zero unless it is filled.
template <class Value>
class Array {
 public:
  explicit Array(std::int64_t count) : count_(count) {
    check("cudaMalloc", cudaMalloc(&memory_, bytes()));
    check("cudaMemset", cudaMemset(memory_, 0, bytes()));
    wait_for_default_stream();
  }
  ~Array() { cudaFree(memory_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  Value* get() const { return static_cast<Value*>(memory_); }
  std::int64_t count() const { return count_; }
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(Value); }
  void fill(const std::vector<Value>& values) const {
    check("cudaMemcpy", cudaMemcpy(memory_, values.data(), bytes(), cudaMemcpyHostToDevice));
    wait_for_default_stream();
  }
  std::vector<Value> values() const {
    std::vector<Value> copy(static_cast<std::size_t>(count_));
    check("cudaMemcpy", cudaMemcpy(copy.data(), memory_, bytes(), cudaMemcpyDeviceToHost));
    return copy;
  }

 private:
  std::int64_t count_;
  void* memory_ = nullptr;
};

inline std::vector<double> uniform_values(std::int64_t count) {
  std::minstd_rand engine(1);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) value = static_cast<double>(engine()) / std::minstd_rand::max() - 0.5;
  return values;
}

/// A stream with the libraries' handles, which compute as those of alpha-hill do.
struct Lane {
  Lane() {
    check("cublasSetStream", cublasSetStream(blas.get(), stream.get()));
    check("cusolverDnSetStream", cusolverDnSetStream(solver.get(), stream.get()));
    cuda::pin_arithmetic(blas.get(), solver.get());
  }

  void wait() const { check("cudaStreamSynchronize", cudaStreamSynchronize(stream.get())); }

  cuda::Stream stream{"cudaStreamCreateWithFlags"};
  cuda::Blas blas{"cublasCreate"};
  cuda::Solver solver{"cusolverDnCreate"};
  cuda::SolverParameters parameters{"cusolverDnCreateParams"};
};

using TimedEvent = cuda::Owned<cudaEvent_t, cudaEventCreate, cudaEventDestroy>;

/// Page-locked memory of the host.
class PageLocked {
 public:
  explicit PageLocked(std::size_t bytes) { check("cudaMallocHost", cudaMallocHost(&memory_, bytes)); }
  ~PageLocked() { cudaFreeHost(memory_); }
  PageLocked(const PageLocked&) = delete;
  PageLocked& operator=(const PageLocked&) = delete;

  void* get() const { return memory_; }

 private:
  void* memory_ = nullptr;
};

/// Seconds of the host for work and what it waits for.
inline double wall_seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of the device from the beginning of the work to its end, the least of three after one that does not count.
inline double least_seconds(const Lane& lane, const std::function<void()>& work) {
  constexpr int repetitions = 3;
  const TimedEvent start("cudaEventCreate");
  const TimedEvent end("cudaEventCreate");
  double least = std::numeric_limits<double>::infinity();
  work();
  for (int i = 0; i < repetitions; ++i) {
    check("cudaEventRecord", cudaEventRecord(start.get(), lane.stream.get()));
    work();
    check("cudaEventRecord", cudaEventRecord(end.get(), lane.stream.get()));
    check("cudaEventSynchronize", cudaEventSynchronize(end.get()));
    float milliseconds = 0;
    check("cudaEventElapsedTime", cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
    least = std::min(least, static_cast<double>(milliseconds) / 1000);
  }
  return least;
}

/// Orders of a probe that are not above what was asked for; the smallest always.
inline std::vector<std::int64_t> orders_up_to(std::int64_t largest, std::vector<std::int64_t> orders) {
  while (orders.size() > 1 && orders.back() > largest) orders.pop_back();
  orders.back() = std::min(orders.back(), std::max<std::int64_t>(largest, 1));
  return orders;
}

}  // namespace alphahill::probes
