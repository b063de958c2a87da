#include "alphahill/spectrum/panels.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "alphahill/numeric/cast.hpp"

namespace alphahill {

namespace {

/// Values cast at a time: all stages of the chain stay in the first-level cache.
constexpr std::size_t cast_block = 2048;
constexpr std::int64_t shallowest_panel = 256;

std::int64_t divided_up(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
}

/// Consecutive slices of the longer side.
struct Slices {
  std::int64_t first;
  std::int64_t depth;

  std::int64_t end() const { return first + depth; }
};

/// Slices that are read together. Of a wide matrix, so many that what lies side by side in a row is worth a
/// read of its own on a parallel file system.
std::int64_t depth_of_read(const StoredMatrix& matrix) {
  constexpr std::int64_t least_bytes_of_row = 16 << 10;
  constexpr std::int64_t least_bytes = 64 << 20;
  const std::int64_t depth = panel_depth(matrix);
  if (!matrix.wide()) return depth;
  const std::int64_t value_bytes = bytes_of(matrix.format);
  const std::int64_t bytes = std::max(least_bytes, matrix.order() * least_bytes_of_row);
  const std::int64_t panels = bytes / std::max<std::int64_t>(matrix.order() * value_bytes * depth, 1);
  return std::min(std::max<std::int64_t>(panels, 1) * depth, matrix.longer_side());
}

/// The stored bytes of some slices, panel after panel.
class StoredPanels {
 public:
  /// @param end  of the slices that will be asked for
  StoredPanels(const StoredMatrix& matrix, std::int64_t end) : matrix_(matrix), end_(end) {}

  /// A panel in its layout; valid until the next call. @pre the panels are asked for in order
  std::span<const std::byte> next(Slices panel) {
    if (panel.end() > held_.end()) read({panel.first, std::min(depth_of_read(matrix_), end_ - panel.first)});
    if (!matrix_.wide() || panel.depth == held_.depth) return bytes_;
    return gather(panel);
  }

 private:
  std::size_t bytes_in(std::int64_t values) const {
    return static_cast<std::size_t>(values * bytes_of(matrix_.format));
  }

  void read(Slices slices) {
    held_ = slices;
    bytes_.resize(bytes_in(slices.depth * matrix_.order()));
    if (matrix_.wide()) {
      matrix_.read(0, matrix_.rows, slices.first, slices.depth, bytes_);
    } else {
      matrix_.read(slices.first, slices.depth, 0, matrix_.cols, bytes_);
    }
  }

  std::span<const std::byte> gather(Slices panel) {
    const std::size_t row_bytes = bytes_in(panel.depth);
    gathered_.resize(row_bytes * static_cast<std::size_t>(matrix_.rows));
    for (std::int64_t row = 0; row < matrix_.rows; ++row) {
      std::memcpy(gathered_.data() + static_cast<std::size_t>(row) * row_bytes,
                  bytes_.data() + bytes_in(row * held_.depth + panel.first - held_.first), row_bytes);
    }
    return gathered_;
  }

  const StoredMatrix& matrix_;
  std::int64_t end_;
  Slices held_{0, 0};
  std::vector<std::byte> bytes_;     ///< of the slices held
  std::vector<std::byte> gathered_;  ///< of one panel of them
};

/// Stored bytes to fp64 values of the chain, block by block.
void cast_panel(Format stored_format, CastChain chain, std::span<const std::byte> bytes,
                const PanelPlace& place, CastSurvey* survey, std::span<double> values) {
  std::array<float, cast_block> loaded;
  std::array<float, cast_block> rounded;
  const auto value_bytes = static_cast<std::size_t>(bytes_of(stored_format));
  for (std::size_t first = 0; first < values.size(); first += cast_block) {
    const auto block = values.subspan(first, std::min(cast_block, values.size() - first));
    const auto loaded_block = std::span(loaded).first(block.size());
    const auto rounded_block = std::span(rounded).first(block.size());
    decode(stored_format, bytes.subspan(first * value_bytes, block.size() * value_bytes), block);
    cast_loaded(chain.load, block, loaded_block);
    if (survey != nullptr) survey->add(block, loaded_block, place, static_cast<std::int64_t>(first));
    cast(chain.precision, loaded_block, rounded_block);
    std::ranges::copy(rounded_block, block.begin());
  }
}

}  // namespace

std::int64_t panel_depth(const StoredMatrix& matrix) {
  const std::int64_t slice_bytes = std::max<std::int64_t>(matrix.order(), 1) * 8;
  return std::min(std::max(panel_bytes / slice_bytes, shallowest_panel), matrix.longer_side());
}

std::int64_t reading_bytes(const StoredMatrix& matrix) {
  const std::int64_t value_bytes = bytes_of(matrix.format);
  const std::int64_t panel = panel_depth(matrix) * matrix.order();
  const std::int64_t read = depth_of_read(matrix) * matrix.order();
  return panel * 8 + read * value_bytes + (read > panel ? panel * value_bytes : 0);
}

void for_each_panel(const StoredMatrix& matrix, CastChain chain, CastSurvey* survey, Team& team,
                    const std::function<void(Panel&)>& use) {
  const std::int64_t part = divided_up(matrix.longer_side(), team.size());
  const std::int64_t deepest = std::min(panel_depth(matrix), part);
  const std::int64_t turns = part == 0 ? 0 : divided_up(part, deepest);
  const auto slices_of = [&](int member, std::int64_t turn) {
    const std::int64_t end = std::min((member + 1) * part, matrix.longer_side());
    const std::int64_t first = std::min(member * part + turn * deepest, end);
    return Slices{first, std::min(deepest, end - first)};
  };
  StoredPanels stored(matrix, std::min((team.rank() + 1) * part, matrix.longer_side()));
  Panel own;
  Panel received;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    do_together(team, [&] {
      const Slices slices = slices_of(team.rank(), turn);
      own.resize(slices.depth, matrix.order());
      const PanelPlace place = matrix.wide() ? PanelPlace{0, slices.first, slices.depth}
                                             : PanelPlace{slices.first, 0, matrix.cols};
      if (slices.depth > 0) cast_panel(matrix.format, chain, stored.next(slices), place, survey, own.values);
    });
    for (int member = 0; member < team.size(); ++member) {
      Panel& panel = member == team.rank() ? own : received;
      panel.resize(slices_of(member, turn).depth, matrix.order());
      team.broadcast(std::as_writable_bytes(std::span(panel.values)), member);
      if (panel.depth > 0) use(panel);
    }
  }
}

}  // namespace alphahill
