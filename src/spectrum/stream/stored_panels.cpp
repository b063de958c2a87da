#include "spectrum/stream/stored_panels.hpp"

#include <algorithm>
#include <cstring>

#include "alphahill/formats/cast.hpp"

namespace alphahill {

std::int64_t StoredPanels::depth_of_read(const WeightShape& shape) {
  constexpr std::int64_t least_bytes_of_row = 8 << 10;
  constexpr std::int64_t least_bytes = 32 << 20;
  const std::int64_t depth = panel_depth(shape);
  if (!shape.wide()) return depth;
  const std::int64_t bytes = std::max(least_bytes, shape.order() * least_bytes_of_row);
  const std::int64_t panels = 8 * bytes / std::max<std::int64_t>(shape.order() * shape.code_bits * depth, 1);
  return std::min(std::max<std::int64_t>(panels, 1) * depth, shape.longer_side());
}

Block StoredPanels::block_of(Slices slices) const {
  return matrix_.wide() ? Block{0, matrix_.rows(), slices.first, slices.depth}
                        : Block{slices.first, slices.depth, 0, matrix_.cols()};
}

PanelPlace StoredPanels::place(Slices panel) const {
  return matrix_.wide() ? PanelPlace{0, panel.first, panel.depth}
                        : PanelPlace{panel.first, 0, matrix_.cols()};
}

void StoredPanels::read(Slices panel) {
  if (panel.depth == 0 || panel.end() <= held_.end()) return;
  held_ = {panel.first, std::min(depth_of_read(matrix_.shape()), end_ - panel.first)};
  bytes_.resize(static_cast<std::size_t>(matrix_.bytes_of_block(block_of(held_))));
  matrix_.read(block_of(held_), bytes_);
}

void StoredPanels::decode(const PanelPlace& panel, std::int64_t first, std::span<double> to) const {
  const WeightShape& shape = matrix_.shape();
  if (shape.plain && !shape.wide()) {  // however short the rows are
    return alphahill::decode(shape.values,
                             held().values_at(panel.row + first / panel.cols, first % panel.cols, to.size(),
                                              bytes_of(shape.values)),
                             to);
  }
  panel.for_each_row(first, to.size(), [&](const RowPiece& piece) {
    matrix_.decode(held(), piece.row, piece.col, piece.of(to));
  });
}

void StoredPanels::read_values(Slices panel, std::span<std::byte> to) {
  const WeightShape& shape = matrix_.shape();
  const bool read_alone = !shape.wide() || depth_of_read(shape) <= panel.depth;
  if (shape.plain && read_alone) return matrix_.read(block_of(panel), to);
  read(panel);
  const auto value_bytes = static_cast<std::size_t>(bytes_of(shape.values));
  place(panel).for_each_row(0, to.size() / value_bytes, [&](const RowPiece& piece) {
    copy_values(piece, to.subspan(piece.first * value_bytes, piece.count * value_bytes));
  });
}

void StoredPanels::copy_values(const RowPiece& piece, std::span<std::byte> to) {
  if (matrix_.shape().plain) {
    const std::int64_t value_bytes = bytes_of(matrix_.shape().values);
    std::memcpy(to.data(), held().values_at(piece.row, piece.col, piece.count, value_bytes).data(),
                to.size());
    return;
  }
  decoded_.resize(piece.count);
  matrix_.decode(held(), piece.row, piece.col, decoded_);
  if (matrix_.shape().values == ElementFormat::fp64) {
    std::memcpy(to.data(), decoded_.data(), to.size());
  } else {
    cast_loaded(ElementFormat::fp32, decoded_, {reinterpret_cast<float*>(to.data()), piece.count});
  }
}

}  // namespace alphahill
