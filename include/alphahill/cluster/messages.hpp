/// What coordinator and workers say to each other.
#pragma once

#include <cstdint>
#include <string>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/spectrum/analysis.hpp"
#include "alphahill/store/tables.hpp"

namespace alphahill {

/// What every rank needs to know before the first layer.
struct Job {
  bool called_off = false;  ///< rank 0 found a reason not to begin, and has reported it
  Catalog catalog;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.called_off, self.catalog);
  }
};

/// Coordinator to worker: the next layer.
struct Assignment {
  std::int64_t layer = no_more;  ///< number of the layer, from 1
  static constexpr std::int64_t no_more = 0;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.layer);
  }
};

/// Worker to coordinator: the record of a finished layer, or why the run cannot go on.
struct Report {
  LayerRecord record;
  bool run_failed = false;
  Fault fault = Fault::internal;
  std::string where;
  std::string reason;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.record, self.run_failed, self.fault, self.where, self.reason);
  }
};

}  // namespace alphahill
