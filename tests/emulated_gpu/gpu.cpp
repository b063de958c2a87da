#include "gpu.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <sstream>

#include "alphahill/base/environment.hpp"

namespace emulated {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t alignment = 256;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Pages of an allocation, which ends where they do.
std::pair<void*, std::size_t> pages_of(std::uintptr_t start, std::size_t bytes) {
  const std::size_t length = rounded_up(bytes, page);
  return {reinterpret_cast<void*>(start + rounded_up(bytes, alignment) - length), length};
}

}  // namespace

void Stream::do_until(std::uint64_t end) {
  if (done_ >= end) return;
  const Gpu::Access access;
  for (; done_ < end; ++done_) {
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    work();
  }
}

Gpu& Gpu::the() {
  static Gpu gpu;
  return gpu;
}

Gpu::Gpu()
    : memory_(std::stoull(alphahill::environment("EMULATED_GPU_MEMORY", "8589934592"))),
      devices_(std::stoi(alphahill::environment("EMULATED_GPUS", "1"))),
      has_pools_(alphahill::environment("EMULATED_GPU_POOLS", "1") != "0") {
  int error = cudaSuccess;
  std::istringstream(alphahill::environment("EMULATED_GPU_FAULT")) >> faulty_function_ >>
      calls_until_fault_ >> error >> faults_left_;
  fault_ = static_cast<cudaError_t>(error);
}

cudaError_t Gpu::fault_of(const std::string& function) {
  if (function != faulty_function_ || --calls_until_fault_ > 0 || --faults_left_ < 0) return cudaSuccess;
  std::fprintf(stderr, "emulated GPU: %s fails\n", function.c_str());
  return fault_;
}

cudaError_t Gpu::call(const std::string& function, const Work& work) {
  const std::lock_guard lock(mutex_);
  if (failed_ != cudaSuccess) return failed_;
  try {
    const cudaError_t fault = fault_of(function);
    if (fault == cudaSuccess || function.ends_with("Synchronize")) work();
    if (fault != cudaSuccess) throw fault;
    return cudaSuccess;
  } catch (cudaError_t code) {
    if (code == cudaErrorIllegalAddress) failed_ = code;
    return code;
  }
}

void* Gpu::allocate(std::size_t bytes) {
  if (bytes > free_memory()) throw cudaErrorMemoryAllocation;
  const std::size_t length = rounded_up(bytes, page);
  void* pages = mmap(nullptr, length + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw cudaErrorMemoryAllocation;
  std::memset(pages, 0xFF, length);
  mprotect(pages, length + page, PROT_NONE);
  const std::uintptr_t start =
      reinterpret_cast<std::uintptr_t>(pages) + length - rounded_up(bytes, alignment);
  allocations_[start] = bytes;
  used_ += bytes;
  return reinterpret_cast<void*>(start);
}

void Gpu::release(void* memory) {
  const auto found = allocations_.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == allocations_.end()) throw cudaErrorIllegalAddress;
  const auto [pages, length] = pages_of(found->first, found->second);
  munmap(pages, length + page);
  used_ -= found->second;
  allocations_.erase(found);
}

void Gpu::touch(const void* memory, std::size_t bytes) const {
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  auto found = allocations_.upper_bound(start);
  if (found != allocations_.begin() && start + bytes <= std::prev(found)->first + std::prev(found)->second)
    return;
  if (bytes == 0) return;
  std::fprintf(stderr, "emulated GPU: %zu bytes at %p are not of one allocation\n", bytes, memory);
  throw cudaErrorIllegalAddress;
}

void Gpu::touch(const void* start, std::int64_t rows, std::int64_t cols,
                std::int64_t leading_dimension) const {
  if (rows == 0 || cols == 0) return;
  touch(start, static_cast<std::size_t>((cols - 1) * leading_dimension + rows) * sizeof(double));
}

Stream* Gpu::make_stream() {
  return *streams_.insert(new Stream).first;
}

void Gpu::drop(Stream* stream) {
  stream->finish();
  streams_.erase(stream);
  delete stream;
}

void Gpu::finish() {
  for (Stream* stream : streams_) stream->finish();
}

void Gpu::protect(int protection) const {
  for (const auto& [start, bytes] : allocations_) {
    const auto [pages, length] = pages_of(start, bytes);
    mprotect(pages, length, protection);
  }
}

Gpu::Access::Access() {
  Gpu::the().protect(PROT_READ | PROT_WRITE);
}

Gpu::Access::~Access() {
  Gpu::the().protect(PROT_NONE);
}

}  // namespace emulated
