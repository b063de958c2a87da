#include "alphahill/formats/distinct_casts.hpp"

#include <algorithm>

namespace alphahill {

namespace {

/// Does `wide` hold every digit of a value of `narrow` in its own range?
bool holds_digits(ElementFormat wide, ElementFormat narrow) {
  return significand_bits(wide) >= significand_bits(narrow);
}

/// Does `wide` hold every value of `narrow`? Only fp16 has more bits than bf16 and a smaller range.
bool holds(ElementFormat wide, ElementFormat narrow) {
  const bool smaller_range = wide == ElementFormat::fp16 && narrow == ElementFormat::bf16;
  return holds_digits(wide, narrow) && !smaller_range;
}

}  // namespace

std::int64_t distinct_casts(ElementFormat stored, ElementFormat load, std::span<const Precision> precisions,
                            bool share_small_changes) {
  const ElementFormat loaded = holds(load, stored) ? stored : load;
  const auto shares = share_small_changes ? holds_digits : holds;
  const auto sharing = std::ranges::count_if(
      precisions, [&](const Precision& p) { return !p.scaled() && shares(p.element, loaded); });
  return std::ssize(precisions) - std::max<std::int64_t>(sharing - 1, 0);
}

}  // namespace alphahill
