/// The scale of the tensor that a layer shares with those that it is fused with.
#pragma once

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// The settings with what the scales of their precisions depend on besides the layer: its partners are read once.
/// NaN among their weights is passed over; a layer beside one with an infinite weight has no figure where they share
/// a scale. Collective.
/// @throws Error(input, internal)  where a partner cannot be read
AnalysisSettings with_fused_scales(AnalysisSettings settings, const Catalog& catalog, const Layer& layer,
                                   Team& team);

}  // namespace alphahill
