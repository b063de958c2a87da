#include "alphahill/spectrum/panels.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

#include "alphahill/base/checked.hpp"
#include "alphahill/formats/cast.hpp"
#include "spectrum/stream/stored_panels.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t shallowest_panel = 256;
/// Panels are cut at its multiples, whatever precisions are asked for: figures are the same to the last bit then.
constexpr std::int64_t largest_group = 128;

/// Stored values to loaded ones and to fp64 values of the chain, block by block.
class PanelCast {
 public:
  /// @param survey  may be null
  PanelCast(const WeightShape& shape, CastChain chain, CastSurvey* survey)
      : load_(chain.load), chain_(chain.precision, shape), survey_(survey) {
    casts_.push_back(&chain_);
    if (survey != nullptr) {
      for (PrecisionCast& cast : survey->casts()) casts_.push_back(&cast);
    }
    for (const PrecisionCast* cast : casts_) {
      scaled_ = scaled_ || cast->precision().scaled();
      first_pass_ = first_pass_ || cast->needs_first_pass();
      column_multiple_ = std::lcm(column_multiple_, cast->column_multiple());
    }
  }

  PanelCast(const PanelCast&) = delete;
  PanelCast& operator=(const PanelCast&) = delete;

  bool needs_first_pass() const { return first_pass_; }
  std::int64_t column_multiple() const { return column_multiple_; }

  /// A first pass over what this member reads.
  void observe(const StoredPanels& stored, const PanelPlace& place, std::span<double> values) {
    for_each_block(stored, place, values, [&](std::span<double>, auto loaded, std::int64_t first) {
      for (PrecisionCast* cast : casts_) {
        if (cast->needs_first_pass()) cast->observe(loaded, place, first);
      }
    });
  }
  /// Collective.
  void combine(Team& team) {
    for (PrecisionCast* cast : casts_) cast->combine(team);
  }

  void cast(const StoredPanels& stored, const PanelPlace& place, std::span<double> values) {
    for_each_block(stored, place, values, [&](std::span<double> block, auto loaded, std::int64_t first) {
      if (survey_ != nullptr) survey_->add(block, loaded, place, first);
      auto& rounded = std::get<std::vector<typename decltype(loaded)::value_type>>(rounded_);
      rounded.resize(block.size());
      chain_.cast(loaded, place, first, rounded);
      std::ranges::copy(rounded, block.begin());
    });
  }

 private:
  /// Weights of the block at `first`: as many as stay with all stages of the chain in the first-level cache. Rows of a
  /// panel are divided only where no group of weights shares a scale.
  std::size_t block_size(const PanelPlace& place, std::size_t first) const {
    const auto cols = static_cast<std::size_t>(place.cols);
    if (scaled_ || cols <= CastSurvey::chunk)
      return std::max(CastSurvey::chunk / cols, std::size_t{1}) * cols;
    return std::min(CastSurvey::chunk, cols - first % cols);
  }

  /// @param use  called with the stored values, the loaded ones, which are the same where they are loaded as fp64,
  /// and their place in the panel
  template <class Use>
  void for_each_block(const StoredPanels& stored, const PanelPlace& place, std::span<double> values,
                      Use use) {
    if (values.empty()) return;
    loaded_.resize(std::min(block_size(place, 0), values.size()));
    for (std::size_t first = 0, size = 0; first < values.size(); first += size) {
      size = std::min(block_size(place, first), values.size() - first);
      const auto block = values.subspan(first, size);
      stored.decode(place, static_cast<std::int64_t>(first), block);
      if (load_ == ElementFormat::fp64) {
        use(block, std::span<const double>(block), static_cast<std::int64_t>(first));
        continue;
      }
      const auto loaded = std::span(loaded_).first(block.size());
      cast_loaded(load_, block, loaded);
      use(block, std::span<const float>(loaded), static_cast<std::int64_t>(first));
    }
  }

  ElementFormat load_;
  PrecisionCast chain_;
  CastSurvey* survey_;
  std::vector<PrecisionCast*> casts_;  ///< the chain's and the survey's
  bool scaled_ = false;
  bool first_pass_ = false;
  std::int64_t column_multiple_ = 1;
  std::vector<float> loaded_;
  std::tuple<std::vector<float>, std::vector<double>> rounded_;  ///< of one type, that of the loaded values
};

/// The slices that each member of a team reads, turn by turn.
class PartsOfMembers {
 public:
  /// @param multiple  of slices, at which panels are cut
  PartsOfMembers(const WeightShape& shape, int members, std::int64_t multiple)
      : slices_(shape.longer_side()),
        part_(divide_rounding_up(divide_rounding_up(slices_, members), multiple) * multiple),
        deepest_(std::min(depth(shape, std::lcm(multiple, largest_group)), part_)) {}

  std::int64_t deepest() const { return deepest_; }
  std::int64_t turns() const { return part_ == 0 ? 0 : divide_rounding_up(part_, deepest_); }
  std::int64_t end(int member) const { return std::min((member + 1) * part_, slices_); }
  Slices slices(int member, std::int64_t turn) const {
    const std::int64_t first = std::min(member * part_ + turn * deepest_, end(member));
    return {first, std::min(deepest_, end(member) - first)};
  }

 private:
  static std::int64_t depth(const WeightShape& shape, std::int64_t multiple) {
    const std::int64_t usual = panel_depth(shape);
    const std::int64_t all = divide_rounding_up(shape.longer_side(), multiple) * multiple;
    return usual == shape.longer_side() ? all : std::max(usual / multiple, std::int64_t{1}) * multiple;
  }

  std::int64_t slices_;
  std::int64_t part_;
  std::int64_t deepest_;
};

/// Gives all members the panel that one has cast. What is cast by way of fp32 is sent as fp32.
class PanelExchange {
 public:
  PanelExchange(Team& team, ElementFormat load) : team_(team), by_fp32_(load != ElementFormat::fp64) {}

  void reserve_buffers(std::size_t values) {
    if (team_.size() == 1) return;
    if (!by_fp32_) return own_fp64_.reserve(values);
    own_.reserve(values);
    received_.reserve(values);
  }

  void keep(const Panel& own) {
    if (team_.size() == 1) return;
    if (!by_fp32_) {
      own_fp64_ = own.values;
      return;
    }
    own_.resize(own.values.size());
    std::ranges::transform(own.values, own_.begin(), [](double value) { return static_cast<float>(value); });
  }

  /// @param panel  of the root's depth; filled
  void broadcast_panel(Panel& panel, int root) {
    if (team_.size() == 1) return;
    if (!by_fp32_) {
      if (root == team_.rank()) panel.values = own_fp64_;
      return team_.broadcast(std::as_writable_bytes(std::span(panel.values)), root);
    }
    std::vector<float>& values = root == team_.rank() ? own_ : received_;
    values.resize(panel.values.size());
    team_.broadcast(std::as_writable_bytes(std::span(values)), root);
    std::ranges::copy(values, panel.values.begin());
  }

 private:
  Team& team_;
  bool by_fp32_;
  std::vector<float> own_;
  std::vector<float> received_;
  std::vector<double> own_fp64_;  ///< instead of both, in as many bytes
};

}  // namespace

std::int64_t panel_depth(const WeightShape& shape) {
  const std::int64_t slice_bytes = std::max<std::int64_t>(shape.order(), 1) * 8;
  return std::min(std::max(panel_bytes / slice_bytes, shallowest_panel), shape.longer_side());
}

std::int64_t reading_bytes(const WeightShape& shape) {
  const std::int64_t panel = panel_depth(shape) * shape.order();
  const std::int64_t read = StoredPanels::depth_of_read(shape) * shape.order();
  return panel * 8 + divide_rounding_up(read * shape.code_bits, 8) + shape.held_bytes;
}

namespace {

/// Reads the panels of one member in turn.
class MemberReader {
 public:
  MemberReader(const WeightSource& weights, const PartsOfMembers& parts, int member)
      : order_(weights.order()), stored_(weights, parts.end(member)) {}

  /// @param cast  called with what is stored, place and values to fill
  template <class Cast>
  void read(Slices slices, Panel& panel, Cast cast) {
    panel.resize(slices.depth, order_);
    stored_.read(slices);
    cast(stored_, stored_.place(slices), panel.values);
  }

 private:
  std::int64_t order_;
  StoredPanels stored_;
};

/// Collective.
void first_pass(const WeightSource& weights, const PartsOfMembers& parts, PanelCast& casts, Panel& panel,
                Team& team) {
  do_together(team, [&] {
    MemberReader reader(weights, parts, team.rank());
    for (std::int64_t turn = 0; turn < parts.turns(); ++turn) {
      reader.read(parts.slices(team.rank(), turn), panel,
                  [&](const auto& stored, auto place, std::span<double> values) {
                    casts.observe(stored, place, values);
                  });
    }
  });
  casts.combine(team);
}

}  // namespace

void for_each_panel(const WeightSource& weights, CastChain chain, CastSurvey* survey, Team& team,
                    const std::function<void(Panel&)>& use) {
  std::optional<PanelCast> casts;
  do_together(team, [&] { casts.emplace(weights.shape(), chain, survey); });
  const PartsOfMembers parts(weights.shape(), team.size(), casts->column_multiple());
  MemberReader reader(weights, parts, team.rank());
  Panel panel;
  PanelExchange exchange(team, chain.load);
  do_together(team, [&] {
    panel.resize(parts.deepest(), weights.order());
    exchange.reserve_buffers(panel.values.size());
  });
  if (casts->needs_first_pass()) first_pass(weights, parts, *casts, panel, team);
  for (std::int64_t turn = 0; turn < parts.turns(); ++turn) {
    do_together(team, [&] {
      reader.read(parts.slices(team.rank(), turn), panel,
                  [&](const auto& stored, auto place, std::span<double> values) {
                    casts->cast(stored, place, values);
                  });
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
