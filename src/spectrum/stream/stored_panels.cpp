#include "spectrum/stream/stored_panels.hpp"

#include <algorithm>
#include <cstring>

namespace alphahill {

std::int64_t StoredPanels::depth_of_read(const WeightShape& shape) {
  constexpr std::int64_t least_bytes_of_row = 8 << 10;
  constexpr std::int64_t least_bytes = 32 << 20;
  const std::int64_t depth = panel_depth(shape);
  if (!shape.wide()) return depth;
  const std::int64_t value_bytes = bytes_of(shape.values);
  const std::int64_t bytes = std::max(least_bytes, shape.order() * least_bytes_of_row);
  const std::int64_t panels = bytes / std::max<std::int64_t>(shape.order() * value_bytes * depth, 1);
  return std::min(std::max<std::int64_t>(panels, 1) * depth, shape.longer_side());
}

void StoredPanels::read(Slices panel, std::span<std::byte> to) {
  if (panel.depth == 0) return;
  if (panel.end() > held_.end()) {
    const Slices next{panel.first, std::min(depth_of_read(matrix_.shape()), end_ - panel.first)};
    if (next.depth <= panel.depth) return read_slices(panel, to);
    bytes_.resize(bytes_in(next.depth * matrix_.order()));
    read_slices(next, bytes_);
    held_ = next;
  }
  gather(panel, to);
}

PanelPlace StoredPanels::place(Slices panel) const {
  return matrix_.wide() ? PanelPlace{0, panel.first, panel.depth}
                        : PanelPlace{panel.first, 0, matrix_.cols()};
}

void StoredPanels::read_slices(Slices slices, std::span<std::byte> to) const {
  if (matrix_.wide()) {
    matrix_.read({0, matrix_.rows(), slices.first, slices.depth}, to);
  } else {
    matrix_.read({slices.first, slices.depth, 0, matrix_.cols()}, to);
  }
}

void StoredPanels::gather(Slices panel, std::span<std::byte> to) const {
  const std::size_t row_bytes = bytes_in(panel.depth);
  for (std::int64_t row = 0; row < matrix_.rows(); ++row) {
    std::memcpy(to.data() + static_cast<std::size_t>(row) * row_bytes,
                bytes_.data() + bytes_in(row * held_.depth + panel.first - held_.first), row_bytes);
  }
}

}  // namespace alphahill
