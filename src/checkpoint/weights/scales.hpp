/// The scales and zero points of a layer, read once and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

std::int64_t bytes_of(ScaleFormat format);

/// Scales as they are stored, a row of blocks decoded at a time.
class Scales {
 public:
  /// @param name  of the tensor, for errors
  /// @throws Error(internal) for one that is negative, infinite or NaN
  Scales(LayerFiles& files, const ScaleGrid& grid, std::string_view name);

  /// Those of a row of blocks.
  /// @param to  from the first column of blocks that is wanted on
  void decode(std::int64_t row, std::int64_t first, std::span<float> to) const;
  std::size_t in_row() const { return static_cast<std::size_t>(cols_); }

 private:
  ScaleFormat format_;
  std::int64_t cols_;
  std::vector<std::byte> values_;
};

/// Bits [begin, begin + bits) of a string in every stride-th word.
std::uint32_t packed_integer(std::span<const std::uint32_t> words, std::int64_t begin, std::int64_t bits,
                             std::int64_t stride = 1);

/// The scale of a whole tensor; 1 where there is none. @throws Error(internal) for one that is no positive number
double read_tensor_scale(LayerFiles& files, const ScaledCodes& stored);

/// Zero points, one a scale, of a row of blocks.
class ZeroPoints {
 public:
  /// @pre the layer has zero points
  ZeroPoints(LayerFiles& files, const ScaledCodes& stored);

  void decode(std::int64_t row, std::int64_t first, std::span<float> to) const;

 private:
  std::int64_t cols_;
  std::vector<std::int16_t> values_;
};

}  // namespace alphahill
