/// The weights of a layer as a stream of panels, and the cast of a panel to fp64.
///
/// W is `rows` x `cols`, row-major. Its order n = min(rows, cols) is that of the smaller Gram matrix; a panel
/// is a slice of the longer side by all n of the shorter one:
///
///   tall (rows >= cols): `depth` whole rows     depth x n row-major    Gram = sum of panel^T panel
///   wide (rows <  cols): `depth` whole columns  n x depth row-major    Gram = sum of panel panel^T
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "alphahill/formats/precision.hpp"
#include "alphahill/formats/weight_source.hpp"
#include "alphahill/spectrum/cast_survey.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// The two casts that a stored weight goes through.
struct CastChain {
  ElementFormat load;  ///< fp64: none
  Precision precision;
};

/// A panel of cast weights in fp64, in the layout above.
struct Panel {
  std::int64_t depth = 0;
  std::vector<double> values;

  void resize(std::int64_t slices, std::int64_t order) {
    depth = slices;
    values.resize(static_cast<std::size_t>(slices * order));
  }
};

/// Slices of the longer side that make a panel of about `panel_bytes` in fp64, and deep enough for BLAS-3.
std::int64_t panel_depth(const WeightShape& shape);
inline constexpr std::int64_t panel_bytes = 16 << 20;

/// Reads the layer panel by panel, casts each and hands it to `use`, which may overwrite it. Each member of a
/// team reads and casts an equal part of the panels; all use all of them, in the same order. Panels are cut at
/// the borders of the groups that share a scale; where a scale depends on more than rows of a panel hold, the
/// layer is read once before.
/// @param survey  fed with the stored and loaded values that this member reads; may be null
void for_each_panel(const WeightSource& weights, CastChain chain, CastSurvey* survey, Team& team,
                    const std::function<void(Panel&)>& use);

/// Of all weights after the load cast, rounded to fp32 where that is fp64. The members of a team read a part each;
/// collective.
Extremes loaded_extremes(const WeightSource& weights, ElementFormat load, Team& team);

/// Bytes that a panel takes with all that its reading needs.
std::int64_t reading_bytes(const WeightShape& shape);

}  // namespace alphahill
