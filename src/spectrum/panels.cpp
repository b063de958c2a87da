#include "alphahill/spectrum/panels.hpp"

#include <algorithm>
#include <array>

#include "alphahill/numeric/cast.hpp"
#include "stored_panels.hpp"

namespace alphahill {

namespace {

/// Values cast at a time: all stages of the chain stay in the first-level cache.
constexpr std::size_t cast_block = 2048;
constexpr std::int64_t shallowest_panel = 256;

std::int64_t divided_up(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
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

std::int64_t reading_bytes(const StoredMatrix& matrix) {
  const std::int64_t value_bytes = bytes_of(matrix.format);
  const std::int64_t panel = panel_depth(matrix) * matrix.order();
  const std::int64_t read = StoredPanels::depth_of_read(matrix) * matrix.order();
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
  std::vector<std::byte> bytes;
  Panel own;
  Panel received;
  do_together(team, [&] {
    if (team.size() > 1) received.resize(deepest, matrix.order());
  });
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    do_together(team, [&] {
      const Slices slices = slices_of(team.rank(), turn);
      own.resize(slices.depth, matrix.order());
      bytes.resize(own.values.size() * static_cast<std::size_t>(bytes_of(matrix.format)));
      stored.read(slices, bytes);
      cast_panel(matrix.format, chain, bytes, stored.place(slices), survey, own.values);
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
