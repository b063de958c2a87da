/// Reads of blocks of weights that are stored in codes, part by part, so that what a part takes beside its values
/// stays small.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "alphahill/base/error.hpp"
#include "alphahill/formats/weight_source.hpp"

namespace alphahill {

/// Calls decode(part, to), with `to` of float or double as the shape says, for parts of whole rows of the block
/// that end with a multiple of 32 rows of the matrix.
/// @throws Error(internal) for a block outside of the matrix, or bytes that are not as many as its values take
template <class Decode>
void decode_block(const WeightShape& shape, const Block& block, std::span<std::byte> bytes,
                  const Decode& decode) {
  const bool inside = block.row + block.rows <= shape.rows && block.col + block.cols <= shape.cols;
  if (!inside || std::ssize(bytes) != block.rows * block.cols * bytes_of(shape.values)) {
    throw Error(
        Fault::internal, "weights",
        fmt::format("a block of {} x {} values at ({}, {}) into {} bytes, of a matrix of {} x {}", block.rows,
                    block.cols, block.row, block.col, bytes.size(), shape.rows, shape.cols));
  }
  if (bytes.empty()) return;
  constexpr std::int64_t row_multiple = 32;
  constexpr std::int64_t values_of_part = 256 << 10;
  const std::int64_t step =
      std::max<std::int64_t>(values_of_part / block.cols / row_multiple, 1) * row_multiple;
  for (std::int64_t row = block.row, end = 0; row < block.row + block.rows; row = end) {
    end = std::min((row / step + 1) * step, block.row + block.rows);
    const Block part{row, end - row, block.col, block.cols};
    std::byte* to = bytes.data() + (row - block.row) * block.cols * bytes_of(shape.values);
    if (shape.values == ElementFormat::fp32) {
      decode(part, reinterpret_cast<float*>(to));
    } else {
      decode(part, reinterpret_cast<double*>(to));
    }
  }
}

}  // namespace alphahill
