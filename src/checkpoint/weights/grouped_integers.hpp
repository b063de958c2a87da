/// What GPTQ and AWQ differ in: how GroupedIntegers are found and packed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"
#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

/// Reads codes as they are packed, and unpacks them one a byte.
class CodeReader {
 public:
  virtual ~CodeReader() = default;
  virtual std::int64_t bytes_of_block(const Block& block) const = 0;
  virtual void read(const Block& block, std::span<std::byte> bytes) const = 0;
  /// The codes of a row from column `col` on.
  virtual void unpack(const StoredBlock& from, std::int64_t row, std::int64_t col,
                      std::span<std::uint8_t> codes) const = 0;
};

/// Inputs to a group, where groups are in order: as config.json names it, or all; 0 where that gives another number
/// of groups, as it may in a module with settings of its own.
std::int64_t group_size_of(std::int64_t in, std::int64_t groups, std::optional<std::int64_t> named);
/// Why it gives another.
std::string misfit_of_group_size(std::string_view module, std::int64_t in, std::int64_t groups,
                                 std::optional<std::int64_t> named);

/// @param module  X of the tensor's name X.qweight
/// @return the layer, Unsupported where its tensors do not fit
Layer gptq_layer(const StoredTensor& tensor, std::string_view module, const CheckpointHeaders& headers,
                 const ModelConfig& config);
std::unique_ptr<CodeReader> gptq_codes(const GroupedIntegers& stored, LayerFiles& files);
/// [groups, out].
std::vector<std::uint8_t> gptq_zero_points(const GroupedIntegers& stored, LayerFiles& files);

Layer awq_layer(const StoredTensor& tensor, std::string_view module, const CheckpointHeaders& headers,
                const ModelConfig& config);
std::unique_ptr<CodeReader> awq_codes(const GroupedIntegers& stored, LayerFiles& files);
std::vector<std::uint8_t> awq_zero_points(const GroupedIntegers& stored, LayerFiles& files);

}  // namespace alphahill
