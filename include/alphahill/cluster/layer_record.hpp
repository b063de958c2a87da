/// The record of one layer: its weights read, analysed and put into rows.
#pragma once

#include <cstdint>
#include <string>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/spectrum/analysis.hpp"
#include "alphahill/store/tables.hpp"

namespace alphahill {

/// Computes a layer, all members of the team together; the leader's record has the figures, those of the
/// others have no results. What goes wrong with this layer alone (too little memory, a routine that does not
/// converge) becomes a record with status `failed` and the reason.
/// @param number  of the layer, from 1
/// @throws Error(input, system) when the checkpoint cannot be read: the run cannot go on
LayerRecord compute_record(const Catalog& catalog, std::int64_t number, const AnalysisSettings& settings,
                           Backend& backend, int rank, Team& team);

/// A record without figures: every precision has this status and reason.
LayerRecord record_without_figures(std::int64_t number, const AnalysisSettings& settings, Status status,
                                   const std::string& reason);

}  // namespace alphahill
