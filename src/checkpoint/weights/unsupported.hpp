/// Layers that are known and cannot be analysed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// Features on the two sides of a layer.
struct Features {
  std::int64_t out;
  std::int64_t in;
};

/// @throws Error(input) for features whose product overflows: a shape with a 0 in front may hold any number
Layer unsupported_layer(const StoredTensor& tensor, std::string_view name, Features features,
                        std::string reason);

}  // namespace alphahill
