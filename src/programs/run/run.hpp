/// A run of alpha-hill on rank 0: what is prepared before the ranks begin, and what is left when they are
/// done.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/results/missing_figures.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/schedule/plan.hpp"
#include "programs/run/options.hpp"

namespace alphahill {

struct Run {
  Options options;
  std::vector<std::string> precisions;  ///< names of those asked for
  Catalog catalog;                      ///< of the layers that the journal is about, numbered as there
  std::vector<bool> wanted;             ///< layers of these that are asked for
  Journal journal;
  CostModel cost;
  BlockLayout ranks;                              ///< with the teams that the plan uses
  Plan plan;                                      ///< what remains to be done
  std::vector<std::int32_t> stored;               ///< as compute_records takes it
  std::map<std::int64_t, LayerRecord> too_large;  ///< layers that no rank has the memory for, this time

  bool is_wanted(std::int64_t layer) const { return wanted[static_cast<std::size_t>(layer - 1)]; }
  bool is_done(std::int64_t layer) const;
  /// Layers that are asked for, and those of them that have their record.
  std::int64_t layers() const { return std::ranges::count(wanted, true); }
  std::int64_t done() const;
  std::filesystem::path results_file() const { return options.report.output_dir / results_name; }
  bool complete() const { return done() + std::ssize(too_large) == layers(); }
};

/// The records, with what earlier ones of their layers have at other precisions.
std::vector<LayerRecord> with_stored(const Journal& journal, std::span<const LayerRecord> records);

/// The rates of this core on layers as large as the catalog's; takes about half a second, and where the run
/// is expected to take less than half a minute they are the usual ones instead.
CostModel measured_cost(const Catalog& catalog, const AnalysisSettings& settings);

/// That of a run in which no layer has a figure: how many, and the commonest reason.
Error no_figure_at_all(const MissingFigures& missing, std::int64_t layers, const std::string& where);

/// The blocks of ranks that may share a layer. Rank 0 computes on another thread than it coordinates on;
/// where MPI is for one thread alone, it is in no team.
BlockLayout blocks_of(const Options& options, int ranks, bool thread_multiple);

/// Opens the checkpoint and the journal. Layers that cannot be analysed, do not fit into memory, or have
/// crashed earlier runs have their records at once; others that failed are to be computed again.
/// @param memory_per_rank  bytes
/// @param speeds  of the ranks, against rank 0's; empty: all are 1
/// @throws Error  when the run cannot begin
Run prepare_run(const Options& options, const BlockLayout& ranks, std::int64_t memory_per_rank,
                std::vector<double> speeds);

/// Writes the HDF5 file from the journal.
/// @param metrics  that are written too; an unfinished run has no time for them
void write_results_of(const Run& run, const std::vector<std::string>& metrics = {});

/// Writes the HDF5 file from the journal and, where the run is complete and they are wanted, CSVs and plots;
/// prints the summary. MPI should be over: plots are drawn on all cores, and a rank that waits keeps one
/// busy.
/// @return the exit code
/// @throws Error(input) naming the commonest reason, where no layer has a figure
int finish_run(const Run& run);

}  // namespace alphahill
