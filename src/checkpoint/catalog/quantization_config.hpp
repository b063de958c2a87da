/// What config.json says about quantized weights, as far as their tensors do not say it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkpoint/headers/json.hpp"

namespace alphahill {

/// Weights that share a scale.
struct BlockSize {
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  bool operator==(const BlockSize&) const = default;
};

struct QuantizationConfig {
  /// Each that occurs, once: weight_block_size, compressed-tensors' block_structure.
  std::vector<BlockSize> block_sizes;
  /// Each that occurs, once: of compressed-tensors' groups.
  std::vector<std::int64_t> integer_bits;

  /// Takes a field of `quantization_config`. One of another type than is known is passed over: not every
  /// layout needs it.
  /// @throws simdjson::simdjson_error
  void read_field(std::string_view key, json::Value value);
};

}  // namespace alphahill
