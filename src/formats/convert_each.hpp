/// Loops over the values of a block, with the vector units in use.
#pragma once

#include <cstddef>
#include <span>

#include "alphahill/base/vector_level.hpp"

namespace alphahill {

/// to[i] = convert(i).
template <class Value, class Convert>
void fill_each(std::span<Value> to, const Convert& convert) {
  vectorised([first = to.data(), count = to.size(), convert]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] = convert(i);
  });
}

/// to[i] = convert(from[i]).
template <class From, class To, class Convert>
void convert_each(std::span<const From> from, std::span<To> to, const Convert& convert) {
  fill_each(to, [first = from.data(), convert](std::size_t i) ALPHAHILL_INLINE { return convert(first[i]); });
}

}  // namespace alphahill
