/// How many casts of a layer differ, from the formats alone.
#pragma once

#include <cstdint>
#include <span>

#include "alphahill/formats/precision.hpp"

namespace alphahill {

/// Spectra that a layer is expected to have: a cast that holds every loaded value changes nothing; any other
/// is taken to change something.
/// @param stored  format of the stored weights; @param load  that they are cast to first
/// @param share_small_changes  casts that hold as many digits, in a smaller range, share a spectrum too
std::int64_t distinct_casts(ElementFormat stored, ElementFormat load, std::span<const Precision> precisions,
                            bool share_small_changes);

}  // namespace alphahill
