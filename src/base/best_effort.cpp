#include "alphahill/base/best_effort.hpp"

#include <spdlog/spdlog.h>

#include <exception>

#include "alphahill/base/text.hpp"

namespace alphahill {

std::optional<std::string> failure_of(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const std::exception& error) {
    return printable_message(error.what());
  }
}

bool best_effort(const std::function<void()>& work, const std::string& consequence) {
  const auto failure = failure_of(work);
  if (failure) spdlog::warn("{}; {}", *failure, consequence);
  return !failure;
}

}  // namespace alphahill
