/// A GPU that the CPU emulates for programs that are built for a real one: this library is loaded before CUDA's
/// (LD_PRELOAD) and takes its calls.
///
/// Work is done when somebody waits for it, stream by stream, and not before; memory is NaN until written,
/// and the host cannot touch it while the device rests; what the device touches outside of an allocation is
/// an illegal address, after which every call fails.
///
///   EMULATED_GPUS         how many (1)
///   EMULATED_GPU_MEMORY   bytes of memory (8 GiB)
///   EMULATED_GPU_POOLS    0: it has no memory pools (1)
///   EMULATED_GPU_MATH     1: cuBLAS emulates fp64, whatever it is asked for (0)
///   EMULATED_GPU_FAULT    "FUNCTION N ERROR TIMES": the Nth call of the function and those after it return
///                         this cudaError_t, so many times; what waits has waited by then
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace emulated {

using Work = std::function<void()>;

class Stream {
 public:
  void ask(Work work) { waiting_.push_back(std::move(work)); }
  /// Of what was asked for so far.
  std::uint64_t end() const { return done_ + waiting_.size(); }
  void do_until(std::uint64_t end);
  void finish() { do_until(end()); }

 private:
  std::deque<Work> waiting_;
  std::uint64_t done_ = 0;
};

struct Event {
  Stream* stream = nullptr;
  std::uint64_t place = 0;
  bool timed = false;
  std::chrono::steady_clock::time_point time = {};  ///< at which its stream was at the place
};

class Gpu {
 public:
  static Gpu& the();

  /// Does a call's work, unless it is to fail. The work may throw a cudaError_t.
  cudaError_t call(const std::string& function, const Work& work);

  int devices() const { return devices_; }
  std::size_t memory() const { return memory_; }
  bool has_pools() const { return has_pools_; }
  std::size_t free_memory() const { return memory_ - used_; }
  /// @throws cudaErrorMemoryAllocation
  void* allocate(std::size_t bytes);
  void release(void* start);
  /// Throws cudaErrorIllegalAddress unless all of this lies in one allocation.
  void touch(const void* start, std::size_t bytes) const;
  /// A matrix of fp64 values, column-major.
  void touch(const void* start, std::int64_t rows, std::int64_t cols, std::int64_t leading_dimension) const;

  Stream* make_stream();
  void drop(Stream* stream);
  /// Does what all streams still have to do.
  void finish();

  /// Lets the device's memory be used, for as long as this lives.
  class Access {
   public:
    Access();
    ~Access();
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
  };

 private:
  Gpu();
  cudaError_t fault_of(const std::string& function);
  void protect(int protection) const;

  std::mutex mutex_;
  std::map<std::uintptr_t, std::size_t> allocations_;
  std::set<Stream*> streams_;
  std::size_t memory_;
  std::size_t used_ = 0;
  int devices_;
  bool has_pools_;
  cudaError_t failed_ = cudaSuccess;  ///< for good
  std::string faulty_function_;
  int calls_until_fault_ = 0;
  int faults_left_ = 0;
  cudaError_t fault_ = cudaSuccess;
};

}  // namespace emulated
