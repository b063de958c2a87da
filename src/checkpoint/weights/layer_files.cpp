#include "checkpoint/weights/layer_files.hpp"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

void check_file(const File& file, const SourceFile& expected) {
  const std::int64_t size = file.size();
  if (size == expected.size && file.modification_time_ns() == expected.modification_time_ns) return;
  throw Error(
      Fault::input, file.path().string(),
      fmt::format(
          "the file was changed or replaced while the run was in progress: expected the {} bytes of its "
          "beginning, found {} or another time of change",
          expected.size, size));
}

template <class Value>
void copy_every(const std::byte* from, std::size_t stride, std::span<std::byte> to) {
  std::byte* const first = to.data();
  for (std::size_t i = 0; i < to.size() / sizeof(Value); ++i) {
    std::memcpy(first + i * sizeof(Value), from + i * stride * sizeof(Value), sizeof(Value));
  }
}

template <class Value>
void gather_values(std::span<const std::byte> from, std::int64_t stride, std::span<std::byte> to) {
  // With this stride, that of gate and up side by side, the compiler vectorises the loop.
  if (stride == 2) return copy_every<Value>(from.data(), 2, to);
  copy_every<Value>(from.data(), static_cast<std::size_t>(stride), to);
}

/// Every stride-th value.
void gather(std::span<const std::byte> from, std::int64_t stride, std::int64_t value_bytes,
            std::span<std::byte> to) {
  switch (value_bytes) {
    case 1:
      return gather_values<std::uint8_t>(from, stride, to);
    case 2:
      return gather_values<std::uint16_t>(from, stride, to);
    case 4:
      return gather_values<std::uint32_t>(from, stride, to);
    case 8:
      return gather_values<std::uint64_t>(from, stride, to);
    default:
      throw Error(Fault::internal, "gather", fmt::format("values of {} bytes", value_bytes));
  }
}

}  // namespace

const File& LayerFiles::open(std::int64_t file) {
  const auto found = files_.find(file);
  if (found != files_.end()) return found->second;
  const SourceFile& source = catalog_.files.at(static_cast<std::size_t>(file));
  File opened = File::open_for_reading(std::filesystem::path(catalog_.folder) / source.name);
  check_file(opened, source);
  return files_.emplace(file, std::move(opened)).first->second;
}

void LayerFiles::check_unchanged() const {
  for (const auto& [number, file] : files_) {
    check_file(file, catalog_.files[static_cast<std::size_t>(number)]);
  }
}

TensorSlice whole_matrix(const StoredTensor& tensor) {
  return {.file = tensor.file,
          .offset = tensor.offset,
          .rows = tensor.shape[0],
          .cols = tensor.shape[1],
          .row_stride = tensor.shape[1]};
}

TensorSlice in_bytes(TensorSlice words) {
  constexpr std::int64_t word_bytes = 4;
  words.cols *= word_bytes;
  words.row_stride *= word_bytes;
  return words;
}

std::int64_t SliceReader::place_of(std::int64_t row, std::int64_t col) const {
  return slice_.offset + (row * slice_.row_stride + col * slice_.col_stride) * value_bytes_;
}

void SliceReader::read(const Block& block, std::span<std::byte> bytes) const {
  if (bytes.empty()) return;
  const bool without_gaps = slice_.col_stride == 1 && slice_.row_stride == block.cols;
  if (without_gaps) return file_.read_at(bytes, place_of(block.row, block.col));
  // The system cannot see that strided reads go on.
  if (block.row == 0 && block.col == 0) {
    file_.will_need(slice_.offset, place_of(slice_.rows, 0) - slice_.offset);
  }
  const auto row_bytes = static_cast<std::size_t>(block.cols * value_bytes_);
  std::vector<std::byte> stored;
  for (std::int64_t i = 0; i < block.rows; ++i) {
    read_row(block.row + i, block, bytes.subspan(static_cast<std::size_t>(i) * row_bytes, row_bytes), stored);
  }
}

void SliceReader::read_row(std::int64_t row, const Block& block, std::span<std::byte> bytes,
                           std::vector<std::byte>& stored) const {
  const std::int64_t begin = place_of(row, block.col);
  if (slice_.col_stride == 1) return file_.read_at(bytes, begin);
  const std::int64_t values = (block.cols - 1) * slice_.col_stride + 1;
  stored.resize(static_cast<std::size_t>(values * value_bytes_));
  file_.read_at(stored, begin);
  gather(stored, slice_.col_stride, value_bytes_, bytes);
}

}  // namespace alphahill
