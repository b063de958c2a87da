/// Short labels of layers for the axes of plots.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/results/view.hpp"

namespace alphahill {

struct LayerLabel {
  std::string text;   ///< "17 attn.q_proj"
  std::string block;  ///< "17": the same for all layers of a block; empty outside the blocks

  bool operator==(const LayerLabel&) const = default;
};

/// Labels, one a layer, all different, drawable, about 40 characters long at most.
/// "model.layers.17.self_attn.q_proj" becomes "17 attn.q_proj": what leads to the block number is left out
/// where all blocks share it; a label that two layers would share is led by "#" and the layer's number.
std::vector<LayerLabel> layer_labels(std::span<const ReportedLayer> layers);

}  // namespace alphahill
