/// Which layers have no figure, and why.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// The layers that lack a figure for one reason. Reasons that differ in numbers alone, such as those of layers that
/// need 3.0 GiB and 3.1 GiB, are the same.
struct MissingReason {
  std::string example;  ///< "failed: needs 3.0 GiB ...", of the first row that has it
  bool varies = false;  ///< others have other numbers
  std::set<std::int64_t> layers;
  std::set<std::string> precisions;

  /// "failed: ..."; led by "for example, " where it varies.
  std::string text() const;
};

class MissingFigures {
 public:
  /// Takes in a row, with its figure or without.
  void add(const ResultRow& row);

  /// Has any of the rows a figure?
  bool any_figure() const { return any_figure_; }
  /// Layers that lack it at one precision or more.
  std::int64_t layers() const { return std::ssize(layers_); }
  /// Those of most layers first.
  std::vector<MissingReason> by_reason() const;

 private:
  bool any_figure_ = false;
  std::set<std::int64_t> layers_;
  std::map<std::string, MissingReason> reasons_;  ///< by what is left of them without numbers
};

}  // namespace alphahill
