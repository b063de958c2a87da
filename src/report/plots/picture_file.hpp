/// Plots as files.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "alphahill/report/picture.hpp"

namespace alphahill {

struct Plot {
  std::filesystem::path file;     ///< where the picture ends up
  std::function<Picture()> draw;  ///< called once, when its turn has come, on any thread
};

/// Draws all plots on all cores, with progress on standard error. Each is written under another name and then
/// renamed, so that a file of its own name is replaced by a whole one. Folders are created.
/// @throws Error(system) naming the file that cannot be written; further ones are not begun then
void draw_plots(const std::vector<Plot>& plots, PlotFormat format);

}  // namespace alphahill
