/// The program alpha-hill: from a checkpoint to the HDF5 file, CSVs and plots, over MPI.
#pragma once

namespace alphahill {

/// Exit codes of both programs.
inline constexpr int exit_complete = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_stopped_early = 75;

/// @return an exit code; errors have been printed
int alpha_hill(int argc, char** argv);

/// The program alpha-hill-report: CSVs and plots from HDF5 files alone.
/// @return an exit code; errors have been printed
int alpha_hill_report(int argc, char** argv);

}  // namespace alphahill
