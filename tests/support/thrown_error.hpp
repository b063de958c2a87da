/// What an action throws, for tests of errors.
#pragma once

#include <optional>

#include "alphahill/base/error.hpp"

namespace alphahill {

/// The Error that the action throws, or nothing.
template <class Action>
std::optional<Error> thrown_by(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace alphahill
