/// Tensors of one kind, for a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace alphahill {

struct CountedTensors {
  std::int64_t count = 0;
  std::string first;  ///< the name that is shown

  void add(std::string_view name) {
    if (count++ == 0) first = name;
  }
};

}  // namespace alphahill
