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

  /// Reads a panel, to be decoded. @pre the panels are asked for in order, none deeper than `panel_depth`
  void read(Slices panel);
  /// Weights of the panel that was read last, from number `first` of it on.
  void decode(const PanelPlace& panel, std::int64_t first, std::span<double> to) const;
  PanelPlace place(Slices panel) const;

  /// Reads a panel in its layout, in the format that the shape names, as read does.
  void read_values(Slices panel, std::span<std::byte> to);

  /// Slices that are read together. Of a wide matrix, so many that what lies side by side in a row is worth a
  /// read of its own on a parallel file system.
  static std::int64_t depth_of_read(const WeightShape& shape);

 private:
  Block block_of(Slices slices) const;
  StoredBlock held() const { return {block_of(held_), bytes_}; }
  void copy_values(const RowPiece& piece, std::span<std::byte> to);

  const WeightSource& matrix_;
  std::int64_t end_;
  Slices held_{0, 0};             ///< read, but not yet asked for, in part
  std::vector<std::byte> bytes_;  ///< of the slices held, as they are stored
  std::vector<double> decoded_;   ///< in copy_values
};

}  // namespace alphahill
