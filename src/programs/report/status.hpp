/// What a journal tells of a run without its model: how far it is, and its results so far.
#pragma once

#include <filesystem>
#include <string>

#include "alphahill/results/journal.hpp"
#include "programs/report/run_state.hpp"

namespace alphahill {

/// The journal that `path` names: the file itself, or the one in this output folder.
/// @throws Error(usage) for a results file
std::filesystem::path journal_at(const std::filesystem::path& path);

/// Lines for people: layers done of those that the last run asked for, whether it goes on, rate, time left,
/// layers without a figure. A journal has no clock: rate and time left are those of as many ranks, or teams of
/// them, as have left records in the last run, each at the mean speed of the layers done, a layer's work being
/// m n^2 + 4/3 n^3, n its smaller side.
std::string status_text(const Journal& journal, const RunSigns& signs);

/// Writes the HDF5 file that belongs beside the journal of a run that is over. @return its path
/// @throws Error(system) when a run is in progress, which writes that file itself
std::filesystem::path write_results_beside(const std::filesystem::path& journal);

}  // namespace alphahill
