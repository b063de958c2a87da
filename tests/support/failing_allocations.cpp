#include "support/failing_allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace alphahill {

std::int64_t& allocations_to_failure() {
  thread_local std::int64_t left = 0;
  return left;
}

}  // namespace alphahill

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  std::int64_t& left = alphahill::allocations_to_failure();
  const bool fails = left > 0 && --left == 0;
  return fails ? nullptr : std::malloc(std::max<std::size_t>(bytes, 1));
}

void* operator new(std::size_t bytes) {
  void* memory = operator new(bytes, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
