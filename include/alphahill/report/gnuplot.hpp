/// Draws pictures with gnuplot, several processes at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "alphahill/report/picture.hpp"

namespace alphahill {

struct Plot {
  std::filesystem::path file;     ///< where the picture ends up
  std::function<Picture()> draw;  ///< called once, when its turn has come
};

/// Draws all plots, replacing files of the same name, with progress on standard error. Folders are created.
/// @param folder    gnuplot's working files lie in a folder of their own in it, removed afterwards; on the
/// same file
///                  system as the plots
/// @param jobs      processes at once; 0: one a core
/// @throws Error(system) naming gnuplot when it is missing or fails
void draw_plots(const std::vector<Plot>& plots, const std::filesystem::path& folder, PlotFormat format,
                int jobs);

}  // namespace alphahill
