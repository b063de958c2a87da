/// What a run asks of its model and of the journal in its output folder, and how it opens them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/results/journal.hpp"
#include "programs/run/options.hpp"

namespace alphahill {

/// A model, and which of its layers are asked for.
struct AskedModel {
  Catalog catalog;           ///< of all its layers: what an earlier run computed stays in the journal
  std::vector<bool> wanted;  ///< one a layer
};

/// Errors are those of open_catalog and find_model.
AskedModel open_model(const Options& options);

/// Names of the precisions that are asked for.
std::vector<std::string> precision_names_of(const Options& options);

/// Goes on with the journal in the output folder, or begins one; where it begins anew it removes what else is there of
/// the run before. @throws Error  as Journal::open_or_resume
Journal open_journal(const Options& options, const AskedModel& model);

/// Which layers of the catalog the journal is about.
std::vector<bool> layers_in(const Journal& journal, const Catalog& catalog);

/// Forgets what of a layer is to be computed again: its computation failed, for lack of memory or since its figures did
/// not add up, or an earlier version could not analyse it; or it was surveyed only where its spectrum is asked for.
/// @return whether it failed, or was not supported
bool reconsider_layer(Journal& journal, std::int64_t layer, const Options& options);

/// How many of the precisions whose spectra are asked for, the first ones, the journal has of a layer.
std::int32_t stored_precisions(const Journal& journal, std::int64_t layer, const Options& options);

/// What of its layers a run with these options would not compute again: its output folder has it.
struct StoredLayers {
  std::set<std::string> finished;                  ///< names of those with everything that is asked for
  std::map<std::string, std::int32_t> precisions;  ///< of the others, as stored_precisions says it
};

/// @throws Error(input) where the folder belongs to another run
StoredLayers stored_layers(const Options& options, const AskedModel& model);

/// A crash of the last run that fatal signals explain: they count against the layers that were struck, and the
/// others that were begun are released. Notes where none was begun are of another run.
void enter_crash_notes(const std::filesystem::path& folder, std::span<const std::string> precisions,
                       Journal& journal);

}  // namespace alphahill
