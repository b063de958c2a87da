#include "alphahill/spectrum/panels.hpp"

#include <algorithm>
#include <array>

#include "alphahill/numeric/cast.hpp"

namespace alphahill {

namespace {

/// Values cast at a time: all stages of the chain stay in the first-level cache.
constexpr std::size_t cast_block = 2048;
constexpr std::int64_t shallowest_panel = 256;

void read_panel(const StoredMatrix& matrix, std::int64_t first, std::int64_t depth,
                std::span<std::byte> bytes) {
  if (matrix.wide()) {
    matrix.read(0, matrix.rows, first, depth, bytes);
  } else {
    matrix.read(first, depth, 0, matrix.cols, bytes);
  }
}

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

void for_each_panel(const StoredMatrix& matrix, CastChain chain, CastSurvey* survey,
                    const std::function<void(Panel&)>& use) {
  const std::int64_t deepest = panel_depth(matrix);
  Panel panel;
  panel.values.reserve(static_cast<std::size_t>(deepest * matrix.order()));
  std::vector<std::byte> bytes(panel.values.capacity() * static_cast<std::size_t>(bytes_of(matrix.format)));
  for (std::int64_t first = 0; first < matrix.longer_side(); first += panel.depth) {
    panel.depth = std::min(deepest, matrix.longer_side() - first);
    panel.values.resize(static_cast<std::size_t>(panel.depth * matrix.order()));
    const auto used =
        std::span(bytes).first(panel.values.size() * static_cast<std::size_t>(bytes_of(matrix.format)));
    read_panel(matrix, first, panel.depth, used);
    const PanelPlace place =
        matrix.wide() ? PanelPlace{0, first, panel.depth} : PanelPlace{first, 0, matrix.cols};
    cast_panel(matrix.format, chain, used, place, survey, panel.values);
    use(panel);
  }
}

}  // namespace alphahill
