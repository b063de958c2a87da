#include "alphahill/checkpoint/weight_file.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"

namespace alphahill {

LayerWeights::LayerWeights(const Catalog& catalog, const Layer& layer)
    : layer_(layer),
      source_(catalog.files.at(static_cast<std::size_t>(layer.file))),
      file_(File::open_for_reading(std::filesystem::path(catalog.folder) / source_.name)) {
  check_unchanged();
}

void LayerWeights::check_unchanged() const {
  const std::int64_t size = file_.size();
  if (size == source_.size && file_.modification_time_ns() == source_.modification_time_ns) return;
  throw Error(
      Fault::input, file_.path().string(),
      fmt::format(
          "the file was changed or replaced while the run was under way: expected the {} bytes of its "
          "beginning, found {} or another time of change",
          source_.size, size));
}

void LayerWeights::read(std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
                        std::span<std::byte> bytes) const {
  const std::int64_t value_bytes = bytes_of(layer_.format);
  const std::int64_t piece = cols * value_bytes;
  if (row + rows > layer_.rows || col + cols > layer_.cols || std::ssize(bytes) != rows * piece) {
    throw Error(Fault::internal, layer_.name,
                fmt::format("a block of {} x {} values at ({}, {}) into {} bytes, of a matrix of {} x {}",
                            rows, cols, row, col, bytes.size(), layer_.rows, layer_.cols));
  }
  const std::int64_t stride = layer_.cols * value_bytes;
  const std::int64_t begin = layer_.offset + row * stride + col * value_bytes;
  if (cols == layer_.cols) return file_.read_at(bytes, begin);
  // The system cannot see that strided reads go on.
  if (row == 0 && col == 0) file_.will_need(layer_.offset, layer_.rows * stride);
  for (std::int64_t i = 0; i < rows; ++i) {
    file_.read_at(bytes.subspan(static_cast<std::size_t>(i * piece), static_cast<std::size_t>(piece)),
                  begin + i * stride);
  }
}

}  // namespace alphahill
