#include "alphahill/formats/distinct_casts.hpp"

#include <algorithm>

namespace alphahill {

namespace {

/// Does `wide` hold every digit of a value of `narrow` in its own range?
bool holds_digits(Format wide, Format narrow) {
  return significand_bits(wide) >= significand_bits(narrow);
}

/// Does `wide` hold every value of `narrow`? Only fp16 has more bits than bf16 and a smaller range.
bool holds(Format wide, Format narrow) {
  const bool smaller_range = wide == Format::fp16 && narrow == Format::bf16;
  return holds_digits(wide, narrow) && !smaller_range;
}

}  // namespace

std::int64_t distinct_casts(Format stored, Format load, std::span<const Format> precisions,
                            bool share_small_changes) {
  const Format loaded = holds(load, stored) ? stored : load;
  const auto shares = share_small_changes ? holds_digits : holds;
  const auto sharing = std::ranges::count_if(precisions, [&](Format p) { return shares(p, loaded); });
  return std::ssize(precisions) - std::max<std::int64_t>(sharing - 1, 0);
}

}  // namespace alphahill
