/// The program alpha-hill: from a checkpoint to the HDF5 file, CSVs and plots, over MPI.
#pragma once

namespace alphahill {

/// @return an exit code; errors have been printed
int alpha_hill(int argc, char** argv);

}  // namespace alphahill
