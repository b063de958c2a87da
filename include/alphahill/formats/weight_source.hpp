/// The weights of one layer as numbers, however they are stored: a matrix, row-major, which is W [out_features,
/// in_features] or its transpose.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "alphahill/formats/element_format.hpp"

namespace alphahill {

/// Rows [row, row + rows) x columns [col, col + cols) of a matrix.
struct Block {
  std::int64_t row;
  std::int64_t rows;
  std::int64_t col;
  std::int64_t cols;
};

/// What is known of a layer's weights before any is read.
struct WeightShape {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  ElementFormat values = ElementFormat::fp32;  ///< in which they are read
  std::int64_t stored_bytes = 0;               ///< to read from files for all of them once
  bool transposed = false;                     ///< rows are in_features
  std::int64_t held_bytes = 0;                 ///< that stay in memory while it is open, as scales do

  /// Order of the smaller Gram matrix.
  std::int64_t order() const { return std::min(rows, cols); }
  std::int64_t longer_side() const { return std::max(rows, cols); }
  bool wide() const { return rows < cols; }
};

/// Of weights that are stored as they are.
inline WeightShape plain_shape(std::int64_t rows, std::int64_t cols, ElementFormat stored) {
  return {.rows = rows, .cols = cols, .values = stored, .stored_bytes = rows * cols * bytes_of(stored)};
}

class WeightSource {
 public:
  explicit WeightSource(const WeightShape& shape) : shape_(shape) {}
  virtual ~WeightSource() = default;

  const WeightShape& shape() const { return shape_; }
  std::int64_t rows() const { return shape_.rows; }
  std::int64_t cols() const { return shape_.cols; }
  std::int64_t order() const { return shape_.order(); }
  std::int64_t longer_side() const { return shape_.longer_side(); }
  bool wide() const { return shape_.wide(); }

  /// The values of a block, row-major, without gaps, in the format of the shape: what is stored in a plain
  /// format comes as it is, to be decoded where it is used, also on a GPU; what is stored in codes comes
  /// decoded, as fp32 or fp64.
  /// @param bytes  as many as the values take, aligned to a value
  virtual void read(const Block& block, std::span<std::byte> bytes) const = 0;

 private:
  WeightShape shape_;
};

/// Weights in a plain format, whose bytes a function reads.
class PlainWeights final : public WeightSource {
 public:
  using Read = std::function<void(const Block& block, std::span<std::byte> bytes)>;

  PlainWeights(const WeightShape& shape, Read read) : WeightSource(shape), read_(std::move(read)) {}
  void read(const Block& block, std::span<std::byte> bytes) const override { read_(block, bytes); }

 private:
  Read read_;
};

}  // namespace alphahill
