/// Weights in codes of one byte, as a quantized layer has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "alphahill/formats/weight_source.hpp"

namespace alphahill {

/// Pseudo-random codes from -128 to 127, times a scale. A byte lies between the rows of a block.
class CodedMatrix final : public WeightSource {
 public:
  CodedMatrix(std::int64_t rows, std::int64_t cols, ElementFormat values)
      : WeightSource(
            {.rows = rows, .cols = cols, .values = values, .code_bits = 8, .stored_bytes = rows * cols}) {}

  double weight(std::int64_t row, std::int64_t col) const { return code(row, col) * scale(); }
  std::int64_t bytes_of_block(const Block& block) const override { return block.rows * (block.cols + 1); }

 private:
  double scale() const { return shape().values == ElementFormat::fp64 ? 0.1 : 0.125; }
  /// MurmurHash3's finalizer of the number of the weight.
  std::int8_t code(std::int64_t row, std::int64_t col) const {
    auto hash = static_cast<std::uint32_t>(row * cols() + col);
    hash = (hash ^ hash >> 16) * 0x85EBCA6BU;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35U;
    return static_cast<std::int8_t>(hash >> 24);
  }
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    auto next = bytes.begin();
    for (std::int64_t row = block.row; row < block.row + block.rows; ++row, ++next) {
      for (std::int64_t col = block.col; col < block.col + block.cols; ++col)
        *next++ = static_cast<std::byte>(code(row, col));
    }
  }
  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    const std::int64_t first = (row - from.block.row) * (from.block.cols + 1) + col - from.block.col;
    for (std::size_t k = 0; k < to.size(); ++k) {
      to[k] = std::to_integer<std::int8_t>(from.bytes[static_cast<std::size_t>(first) + k]) * scale();
    }
  }
};

}  // namespace alphahill
