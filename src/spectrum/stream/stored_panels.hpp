/// The values of a layer as they are read, panel after panel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

/// Consecutive slices of the longer side.
struct Slices {
  std::int64_t first;
  std::int64_t depth;

  std::int64_t end() const { return first + depth; }
};

class StoredPanels {
 public:
  /// @param end  of the slices that will be asked for; the matrix must outlive this
  StoredPanels(const WeightSource& matrix, std::int64_t end) : matrix_(matrix), end_(end) {}

  /// Reads a panel in its layout. @pre the panels are asked for in order, none deeper than `panel_depth`
  void read(Slices panel, std::span<std::byte> to);
  PanelPlace place(Slices panel) const;

  /// Slices that are read together. Of a wide matrix, so many that what lies side by side in a row is worth a
  /// read of its own on a parallel file system.
  static std::int64_t depth_of_read(const WeightShape& shape);

 private:
  std::size_t bytes_in(std::int64_t values) const {
    return static_cast<std::size_t>(values * bytes_of(matrix_.shape().values));
  }
  void read_slices(Slices slices, std::span<std::byte> to) const;
  void gather(Slices panel, std::span<std::byte> to) const;

  const WeightSource& matrix_;
  std::int64_t end_;
  Slices held_{0, 0};             ///< read, but not yet asked for, in part
  std::vector<std::byte> bytes_;  ///< of the slices held
};

}  // namespace alphahill
