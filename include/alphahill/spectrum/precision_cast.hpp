/// The cast of a layer's loaded weights to one precision, block by block.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/formats/precision.hpp"
#include "alphahill/formats/weight_source.hpp"
#include "alphahill/spectrum/panel_place.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// A block is consecutive weights of a panel. Where the precision has scales, it is whole rows of the panel, and
/// the columns of a panel begin at a multiple of `column_multiple`; weights that were loaded as fp64 are rounded to
/// fp32 before.
class PrecisionCast {
 public:
  PrecisionCast(const Precision& precision, const WeightShape& shape);

  const Precision& precision() const { return precision_; }
  /// Does a scale depend on weights that a row of a panel may lack? Then `observe` must see all weights before
  /// any is cast.
  bool needs_first_pass() const;
  /// 1 where panels may be cut anywhere.
  std::int64_t column_multiple() const;

  /// Adds the weights of a block, in a first pass.
  void observe(std::span<const float> loaded, const PanelPlace& panel, std::int64_t first);
  void observe(std::span<const double> loaded, const PanelPlace& panel, std::int64_t first);
  /// Merges what the other members of a team have observed; collective.
  void combine(Team& team);

  /// @param first  of the block's weights among those of the panel
  /// @return how many weights are clipped, as GroupCast says it; 0 without scales
  std::int64_t cast(std::span<const float> loaded, const PanelPlace& panel, std::int64_t first,
                    std::span<float> to) const;
  std::int64_t cast(std::span<const double> loaded, const PanelPlace& panel, std::int64_t first,
                    std::span<double> to) const;

 private:
  template <class Use>
  void for_each_group(const RowPiece& piece, Use use) const;
  std::size_t group_of(std::int64_t out, std::int64_t in) const;

  Precision precision_;
  WeightShape shape_;
  std::int64_t in_features_;
  std::int64_t groups_of_row_;      ///< groups side by side along in_features
  bool over_row_ends_;              ///< groups go on in the next row
  std::vector<Extremes> observed_;  ///< of each group, where there is a first pass
  Extremes tensor_;
};

}  // namespace alphahill
