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
  ElementFormat values = ElementFormat::fp32;  ///< which holds them all
  std::int64_t code_bits = 32;                 ///< of one as it is stored
  std::int64_t stored_bytes = 0;               ///< to read from files for all of them once
  bool plain = false;                          ///< stored in `values`, and not computed from what is stored
  bool transposed = false;                     ///< rows are in_features
  std::int64_t held_bytes = 0;                 ///< that stay in memory while it is open, as scales do

  /// Order of the smaller Gram matrix.
  std::int64_t order() const { return std::min(rows, cols); }
  std::int64_t longer_side() const { return std::max(rows, cols); }
  bool wide() const { return rows < cols; }
};

/// Of weights that are stored as they are.
inline WeightShape plain_shape(std::int64_t rows, std::int64_t cols, ElementFormat stored) {
  return {.rows = rows,
          .cols = cols,
          .values = stored,
          .code_bits = 8 * bytes_of(stored),
          .stored_bytes = rows * cols * bytes_of(stored),
          .plain = true};
}

/// A block as it is stored.
struct StoredBlock {
  Block block;
  std::span<const std::byte> bytes;  ///< that WeightSource::read has filled

  /// Of a plain format, the values (row, col), (row, col + 1), ... and those of the rows below.
  std::span<const std::byte> values_at(std::int64_t row, std::int64_t col, std::size_t count,
                                       std::int64_t value_bytes) const {
    const std::int64_t first = (row - block.row) * block.cols + col - block.col;
    return bytes.subspan(static_cast<std::size_t>(first * value_bytes),
                         count * static_cast<std::size_t>(value_bytes));
  }
};

/// Codes stay codes until they are used: a block is read as it is stored, and decoded a few weights at a time,
/// which then stay in the first-level cache.
class WeightSource {
 public:
  /// Weights decoded at a time.
  static constexpr std::size_t most_decoded = 1024;

  explicit WeightSource(const WeightShape& shape) : shape_(shape) {}
  virtual ~WeightSource() = default;

  const WeightShape& shape() const { return shape_; }
  std::int64_t rows() const { return shape_.rows; }
  std::int64_t cols() const { return shape_.cols; }
  std::int64_t order() const { return shape_.order(); }
  std::int64_t longer_side() const { return shape_.longer_side(); }
  bool wide() const { return shape_.wide(); }

  /// Bytes that a block is read into.
  virtual std::int64_t bytes_of_block(const Block& block) const = 0;

  /// Reads a block as it is stored: of a plain format its values, row-major, without gaps.
  /// @param bytes  as many as bytes_of_block says, aligned to 8 bytes
  /// @throws Error(internal) for a block outside of the matrix or another number of bytes
  void read(const Block& block, std::span<std::byte> bytes) const;

  /// The weights (row, col), (row, col + 1), ... of the matrix, all of them in the block.
  void decode(const StoredBlock& from, std::int64_t row, std::int64_t col, std::span<double> to) const;

 private:
  virtual void read_block(const Block& block, std::span<std::byte> bytes) const = 0;
  /// @pre to.size() <= most_decoded
  virtual void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                            std::span<double> to) const = 0;

  WeightShape shape_;
};

/// Reads and decodes a block, row-major.
/// @param to  as many as the block has weights
void read_decoded(const WeightSource& weights, const Block& block, std::span<double> to);

/// Weights in a plain format, whose bytes a function reads.
class PlainWeights final : public WeightSource {
 public:
  using Read = std::function<void(const Block& block, std::span<std::byte> bytes)>;

  PlainWeights(const WeightShape& shape, Read read) : WeightSource(shape), read_(std::move(read)) {}
  std::int64_t bytes_of_block(const Block& block) const override;

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override { read_(block, bytes); }
  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override;

  Read read_;
};

}  // namespace alphahill
