/// What the user of alpha-hill asked for.
#pragma once

#include <string>
#include <vector>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/report/report.hpp"
#include "programs/run/device.hpp"

namespace alphahill {

struct Options {
  std::string model;
  std::string revision;
  DeviceChoice device;
  AnalysisSettings settings;
  bool spectra = true;  ///< of --precisions; else these are surveyed only
  std::string filter_layers;
  bool include_mtp = false;     ///< layers of multi-token prediction too
  bool allow_unmerged = false;  ///< weights under an adapter that is not merged, as they are
  ReportSettings report;
  std::optional<double> layer_timeout;  ///< seconds; nothing: by the cost model
  double grace_seconds = 60;            ///< for running layers when a run is to stop
  int threads_per_rank = 1;
  std::optional<std::int64_t> memory_per_rank;  ///< bytes; nothing: what the node has, shared by its ranks
  std::optional<int> largest_team;              ///< ranks that may share a layer; nothing: all
  std::string log_level = "INFO";
  bool write_report = true;
  bool restart = false;
  bool list_layers = false;
  bool list_all_tensors = false;  ///< in the place of the layers
  bool dry_run = false;
  std::optional<int> ranks;          ///< for the dry run; nothing: as many as there are
  std::vector<std::string> remarks;  ///< on what an option was taken for
  std::string text;                  ///< to print instead of anything else: --help, --version
};

/// @throws Error(usage) for a wrong option or value
Options parse_options(int argc, const char* const* argv);

}  // namespace alphahill
