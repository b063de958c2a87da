/// The record of one layer: its weights read, analysed and put into rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/results/tables.hpp"

namespace alphahill {

/// Computes layers, all members of the team together; the leader's records have the figures, those of the
/// others have no results. What goes wrong with one layer alone (too little memory, a routine that does not
/// converge) becomes a record with status `failed` and the reason.
///
/// Step by step, all begin a decomposition before the first is finished: a device does those of small layers
/// together. The seconds of what is done together are divided evenly.
/// @param numbers  of the layers, from 1
/// @param records  gets those of finished layers, in the order of the layers
/// @param stored  how many of the precisions, the first ones, each layer of the catalog has figures of already: they
/// are not in its record, as far as Analysis does without them; empty: none
/// @throws Error(input, system) when the checkpoint cannot be read: the run cannot go on. No layer is begun
/// after that; those begun are finished first, but for the ones that fail themselves.
void compute_records(const Catalog& catalog, std::span<const std::int64_t> numbers,
                     const AnalysisSettings& settings, Backend& backend, int rank, Team& team,
                     std::vector<LayerRecord>& records, std::span<const std::int32_t> stored = {});

/// A record without figures: every precision has this status and reason.
LayerRecord record_without_figures(std::int64_t number, const AnalysisSettings& settings, Status status,
                                   const std::string& reason);

}  // namespace alphahill
