#include "checkpoint/weights/code_rows.hpp"

#include <algorithm>

#include "alphahill/base/checked.hpp"
#include "alphahill/formats/codes.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t read_behind = 8;  // see decode_bit_string

CodeUnit unit_of(CodeFormat format, std::int64_t bits) {
  switch (format) {
    case CodeFormat::f8_e4m3:
    case CodeFormat::int8:
      return {1, 1};
    case CodeFormat::f4_e2m1:
      return {2, 1};
    case CodeFormat::f4_e2m1_in_columns:
      return {1, 1, 2};
    case CodeFormat::bit_string:
      return {8, bits};
    case CodeFormat::words:
      return {32 / bits, 4};
  }
  return {};
}

}  // namespace

Block CodeRows::stored_block(const Block& block) const {
  const std::int64_t row = block.row / unit_.rows;
  const std::int64_t row_end = divide_rounding_up(block.row + block.rows, unit_.rows);
  const std::int64_t begin = block.col / unit_.codes * unit_.bytes;
  const std::int64_t end = divide_rounding_up(block.col + block.cols, unit_.codes) * unit_.bytes;
  return {row, row_end - row, begin, std::min(end, row_end_) - begin};
}

std::int64_t CodeRows::bytes_of_block(const Block& block) const {
  const Block stored = stored_block(block);
  return stored.rows * stored.cols + read_behind;
}

void CodeRows::read(const Block& block, std::span<std::byte> bytes) const {
  const Block stored = stored_block(block);
  reader_.read(stored, bytes.first(static_cast<std::size_t>(stored.rows * stored.cols)));
}

std::span<const std::byte> CodeRows::unit_at(const StoredBlock& from, std::int64_t row,
                                             std::int64_t col) const {
  const Block stored = stored_block(from.block);
  const std::int64_t in_row = col / unit_.codes * unit_.bytes - stored.col;
  return from.bytes.subspan(static_cast<std::size_t>((row / unit_.rows - stored.row) * stored.cols + in_row));
}

std::size_t CodeRows::codes_of_units(std::int64_t col, std::size_t count) const {
  const std::int64_t codes = col % unit_.codes + static_cast<std::int64_t>(count);
  return static_cast<std::size_t>(divide_rounding_up(codes, unit_.codes) * unit_.codes);
}

FormattedRows::FormattedRows(LayerFiles& files, const TensorSlice& slice, CodeFormat format,
                             std::int64_t bits, int zero)
    : CodeRows(files, slice, unit_of(format, bits)),
      format_(format),
      bits_(static_cast<int>(bits)),
      zero_(zero) {}

std::span<float> FormattedRows::decode(const StoredBlock& from, std::int64_t row, std::int64_t col,
                                       std::size_t count, Numbers& numbers) const {
  const std::span<const std::byte> bytes = unit_at(from, row, col);
  const std::span<float> of_units = std::span(numbers).first(codes_of_units(col, count));
  switch (format_) {
    case CodeFormat::f8_e4m3:
      decode_f8_e4m3(bytes, of_units);
      break;
    case CodeFormat::int8:
      decode_int8(bytes, of_units);
      break;
    case CodeFormat::f4_e2m1:
      decode_f4_e2m1(bytes, of_units);
      break;
    case CodeFormat::f4_e2m1_in_columns:
      decode_f4_e2m1_nibbles(bytes, row % 2 == 1, of_units);
      break;
    case CodeFormat::bit_string:
      decode_bit_string(bits_, zero_, bytes, of_units);
      break;
    case CodeFormat::words:
      decode_words(bits_, zero_, bytes, of_units);
      break;
  }
  return of_units.subspan(codes_before(col), count);
}

}  // namespace alphahill
