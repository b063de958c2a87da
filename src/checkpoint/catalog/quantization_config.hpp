/// What config.json says about quantized weights, as far as their tensors do not say it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
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
inline constexpr BlockSize model_opt_block{128, 128};  ///< of its FP8_PB_WO

/// How the integers of a module are packed, by GPTQ, AWQ and MLX.
struct IntegerGroups {
  std::optional<std::int64_t> bits;
  std::optional<std::int64_t> group_size;  ///< weights along the inputs that share a scale; -1: all
};

struct QuantizationConfig {
  /// Each that occurs, once: weight_block_size, compressed-tensors' block_structure, that of ModelOpt's FP8_PB_WO.
  std::vector<BlockSize> block_sizes;
  /// Each that occurs, once: of compressed-tensors' groups, but those of floats.
  std::vector<std::int64_t> integer_bits;

  IntegerGroups groups;
  std::map<std::string, IntegerGroups, std::less<>> groups_of_module;  ///< MLX: where they are others
  std::optional<bool> symmetric;                                       ///< GPTQ
  std::string checkpoint_format;  ///< GPTQ: how zero points are stored; empty where absent, as the others
  std::string version;            ///< AWQ: the kernel that the packing is made for, in lower case
  std::string packing_format;     ///< auto-round: whose layout it writes, that of GPTQ where absent

  /// Those of a module, or those of all.
  const IntegerGroups& groups_of(std::string_view module) const;

  /// Takes a field of `quantization_config`, or of MLX's `quantization`. One of another type than is known is
  /// passed over: not every layout needs it.
  /// @throws simdjson::simdjson_error
  void read_field(std::string_view key, json::Value value);
};

}  // namespace alphahill
