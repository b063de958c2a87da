/// Which layers of a finished run have no figure, and why.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "alphahill/results/tables.hpp"

namespace alphahill {

struct MissingFigures {
  std::int64_t layers = 0;                 ///< without a figure at one precision or more
  bool any_figure = false;                 ///< is there one of any layer?
  std::string commonest_reason;            ///< "failed: needs 3.0 GiB ..."
  std::int64_t with_commonest_reason = 0;  ///< layers
};

/// @param rows  of the layers and precisions that were asked for
MissingFigures missing_figures(std::span<const ResultRow> rows);

}  // namespace alphahill
