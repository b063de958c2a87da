/// The program alpha-hill-report: CSVs and plots from HDF5 files alone.
#pragma once

namespace alphahill {

/// @return an exit code; errors have been printed
int alpha_hill_report(int argc, char** argv);

}  // namespace alphahill
