/// Codes that lie row by row: the bytes of a block, and the numbers that these stand for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "checkpoint/weights/layer_files.hpp"

namespace alphahill {

/// Codes that can be decoded only together, and the bytes that they take.
struct CodeUnit {
  std::int64_t codes;
  std::int64_t bytes;
  std::int64_t rows = 1;
};

class CodeRows {
 public:
  /// @param slice  in bytes
  CodeRows(LayerFiles& files, const TensorSlice& slice, CodeUnit unit)
      : reader_(files, slice, 1), row_end_(slice.cols), unit_(unit) {}

  std::int64_t bytes_of_block(const Block& block) const;
  /// Rows of whole units.
  void read(const Block& block, std::span<std::byte> bytes) const;
  /// The bytes of a block from the unit of a weight on.
  std::span<const std::byte> unit_at(const StoredBlock& from, std::int64_t row, std::int64_t col) const;
  /// Codes of its unit that precede column `col`.
  std::size_t codes_before(std::int64_t col) const { return static_cast<std::size_t>(col % unit_.codes); }
  /// Codes of the units that hold `count` of them from column `col` on.
  std::size_t codes_of_units(std::int64_t col, std::size_t count) const;

 private:
  /// The bytes that hold a block: rows of whole units.
  Block stored_block(const Block& block) const;

  SliceReader reader_;
  std::int64_t row_end_;  ///< bytes: the last unit may be partial
  CodeUnit unit_;
};

/// Codes of a format.
class FormattedRows : public CodeRows {
 public:
  /// @param bits  of a code
  /// @param zero  subtracted from integers without a sign
  FormattedRows(LayerFiles& files, const TensorSlice& slice, CodeFormat format, std::int64_t bits, int zero);

  /// Of a piece of a row, with those that its units have more.
  using Numbers = std::array<float, WeightSource::most_decoded + 2 * 16>;

  /// The numbers of `count` codes of a row from column `col` on, in `numbers`.
  std::span<float> decode(const StoredBlock& from, std::int64_t row, std::int64_t col, std::size_t count,
                          Numbers& numbers) const;

 private:
  CodeFormat format_;
  int bits_;
  int zero_;
};

}  // namespace alphahill
