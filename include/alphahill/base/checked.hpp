/// Arithmetic on sizes that throws instead of wrapping, the one narrowing function, and measured numbers.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "alphahill/base/error.hpp"

namespace alphahill {

/// a * b, or nothing where the product does not fit.
template <class Integer>
std::optional<Integer> checked_multiply(Integer a, Integer b) {
  Integer product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// @pre whole >= 0, parts > 0
constexpr std::int64_t divide_rounding_up(std::int64_t whole, std::int64_t parts) {
  return whole / parts + (whole % parts == 0 ? 0 : 1);
}

/// The value as another integer type.
/// @throws Error(internal) naming `what` when it does not fit
template <class To, class From>
To narrow(From value, const char* what) {
  if (!std::in_range<To>(value))
    throw Error(Fault::internal, what, std::to_string(value) + " is out of range");
  return static_cast<To>(value);
}

/// Above zero, and neither infinite nor NaN.
inline bool is_positive(double value) {
  return value > 0 && value <= std::numeric_limits<double>::max();
}

/// The value. @throws Error(internal) naming `what` when it is not positive
inline double require_positive(double value, const char* what) {
  if (is_positive(value)) return value;
  throw Error(Fault::internal, what, "expected a positive number, found " + std::to_string(value));
}

}  // namespace alphahill
