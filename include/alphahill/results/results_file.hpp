/// The HDF5 file of a run: written whole from the journal, read by the report.
///
/// One group a table, one 1-D dataset a column, all columns of a table of equal length, groups and columns
/// listed in the order of their creation:
///   /layers   one row a layer, in layer order (columns: LayerRow)
///   /results  one row a layer and precision, layers in order, precisions in the order asked for (columns:
///             ResultRow; status by its name)
///   /spectra/eigenvalues  fp64, ascending, one spectrum after another, chunked and compressed; a shared one
///             is stored once; rows point into it by spectrum_offset and spectrum_length
///   /metrics  where a run asked for metrics: one row a row of /results, in its order (columns: layer, precision, then
///             those of spectral_metrics.hpp by their names; NaN where there is no figure)
/// Root attributes: schema_version (the version of the records), complete (1: every layer has its rows), the fields of
/// RunDescription, and what the last run asked for (asked_precisions, asked_filter_layers, asked_include_mtp).
/// Text is variable-length UTF-8. Result files are trusted input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alphahill/results/journal.hpp"
#include "alphahill/results/tables.hpp"

namespace alphahill {

/// Of the results file in the output folder of a run.
inline constexpr const char* results_name = "alpha_hill.h5";

/// The record of a layer; nothing where it is not finished.
using RecordOf = std::function<std::optional<LayerRecord>(std::int64_t layer)>;

/// Writes the file: to a temporary name, synced, renamed over `path`. What was there stays when that fails.
/// In memory are the eigenvalues of one record and the rows of some hundreds of layers, however many there
/// are.
/// @param record_of  called once for each layer, in order
/// @param metrics  names of those of /metrics; empty: none
/// @throws Error(system) naming the file when it cannot be written
void write_results(const std::filesystem::path& path, const RunDescription& run, const Asked& asked,
                   const RecordOf& record_of, const std::vector<std::string>& metrics = {});

/// The same of the layers that the journal holds.
void write_results(const std::filesystem::path& path, const Journal& journal);

/// A results file open for reading. For use by one thread at a time, as all of HDF5.
class ResultsFile {
 public:
  /// Reads the tables.
  /// @throws Error(input) when it is not HDF5, cut short or not of this schema
  /// @throws Error(system) when it is missing or cannot be read
  static ResultsFile open(const std::filesystem::path& path);
  ~ResultsFile();
  ResultsFile(ResultsFile&&) noexcept;

  const std::filesystem::path& path() const { return path_; }
  const RunDescription& run() const { return run_; }
  /// What the last run asked for; everything where the file does not say it.
  const Asked& asked() const { return asked_; }
  const std::vector<ResultRow>& results() const { return results_; }
  /// True when every layer has its rows.
  bool complete() const { return complete_; }
  /// The eigenvalues of a row, ascending; empty where it has none.
  std::vector<double> spectrum(const ResultRow& row) const;
  /// The metrics of a row's spectrum, in the order of these names: as /metrics has them, or else computed; NaN where
  /// there is no figure.
  std::vector<double> metrics(const ResultRow& row, const std::vector<std::string>& names) const;

 private:
  struct Handle;
  explicit ResultsFile(const std::filesystem::path& path);

  std::filesystem::path path_;
  RunDescription run_;
  Asked asked_;
  std::vector<ResultRow> results_;
  std::map<std::string, std::vector<double>> metrics_;  ///< by name, one value a row of results_
  bool complete_ = false;
  std::unique_ptr<Handle> handle_;
};

}  // namespace alphahill
