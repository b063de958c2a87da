#include "alphahill/spectrum/panels.hpp"

#include <algorithm>
#include <array>

#include "alphahill/formats/cast.hpp"
#include "spectrum/stream/stored_panels.hpp"

namespace alphahill {

namespace {

/// Values cast at a time: all stages of the chain stay in the first-level cache.
constexpr std::size_t cast_block = 2048;
constexpr std::int64_t shallowest_panel = 256;

std::int64_t divide_rounding_up(std::int64_t whole, std::int64_t parts) {
  return (whole + parts - 1) / parts;
}

/// Stored bytes to fp64 values of the chain, block by block.
void cast_panel(ElementFormat stored_format, CastChain chain, std::span<const std::byte> bytes,
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

/// The slices that each member of a team reads, turn by turn.
class PartsOfMembers {
 public:
  PartsOfMembers(const WeightShape& shape, int members)
      : slices_(shape.longer_side()),
        part_(divide_rounding_up(slices_, members)),
        deepest_(std::min(panel_depth(shape), part_)) {}

  std::int64_t deepest() const { return deepest_; }
  std::int64_t turns() const { return part_ == 0 ? 0 : divide_rounding_up(part_, deepest_); }
  std::int64_t end(int member) const { return std::min((member + 1) * part_, slices_); }
  Slices slices(int member, std::int64_t turn) const {
    const std::int64_t first = std::min(member * part_ + turn * deepest_, end(member));
    return {first, std::min(deepest_, end(member) - first)};
  }

 private:
  std::int64_t slices_;
  std::int64_t part_;
  std::int64_t deepest_;
};

/// Gives all members the panel that one has cast. What is cast by way of fp32 is sent as fp32.
class PanelExchange {
 public:
  explicit PanelExchange(Team& team) : team_(team) {}

  void reserve_buffers(std::size_t values) {
    if (team_.size() == 1) return;
    own_.reserve(values);
    received_.reserve(values);
  }

  void keep(const Panel& own) {
    if (team_.size() == 1) return;
    own_.resize(own.values.size());
    std::ranges::transform(own.values, own_.begin(), [](double value) { return static_cast<float>(value); });
  }

  /// @param panel  of the root's depth; filled
  void broadcast_panel(Panel& panel, int root) {
    if (team_.size() == 1) return;
    std::vector<float>& values = root == team_.rank() ? own_ : received_;
    values.resize(panel.values.size());
    team_.broadcast(std::as_writable_bytes(std::span(values)), root);
    std::ranges::copy(values, panel.values.begin());
  }

 private:
  Team& team_;
  std::vector<float> own_;
  std::vector<float> received_;
};

}  // namespace

std::int64_t panel_depth(const WeightShape& shape) {
  const std::int64_t slice_bytes = std::max<std::int64_t>(shape.order(), 1) * 8;
  return std::min(std::max(panel_bytes / slice_bytes, shallowest_panel), shape.longer_side());
}

std::int64_t reading_bytes(const WeightShape& shape) {
  const std::int64_t value_bytes = bytes_of(shape.values);
  const std::int64_t panel = panel_depth(shape) * shape.order();
  const std::int64_t read = StoredPanels::depth_of_read(shape) * shape.order();
  return panel * 8 + read * value_bytes + (read > panel ? panel * value_bytes : 0);
}

void for_each_panel(const WeightSource& weights, CastChain chain, CastSurvey* survey, Team& team,
                    const std::function<void(Panel&)>& use) {
  const ElementFormat values = weights.shape().values;
  const PartsOfMembers parts(weights.shape(), team.size());
  StoredPanels stored(weights, parts.end(team.rank()));
  std::vector<std::byte> bytes;
  Panel panel;
  PanelExchange exchange(team);
  do_together(team, [&] {
    panel.resize(parts.deepest(), weights.order());
    exchange.reserve_buffers(panel.values.size());
  });
  for (std::int64_t turn = 0; turn < parts.turns(); ++turn) {
    do_together(team, [&] {
      const Slices slices = parts.slices(team.rank(), turn);
      panel.resize(slices.depth, weights.order());
      bytes.resize(panel.values.size() * static_cast<std::size_t>(bytes_of(values)));
      stored.read(slices, bytes);
      cast_panel(values, chain, bytes, stored.place(slices), survey, panel.values);
      exchange.keep(panel);
    });
    for (int member = 0; member < team.size(); ++member) {
      panel.resize(parts.slices(member, turn).depth, weights.order());
      exchange.broadcast_panel(panel, member);
      if (panel.depth > 0) use(panel);
    }
  }
}

}  // namespace alphahill
