#include "programs/run/missing_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace alphahill {

MissingFigures missing_figures(std::span<const ResultRow> rows) {
  MissingFigures missing;
  std::set<std::int64_t> layers;
  std::map<std::string, std::set<std::int64_t>> layers_by_reason;
  for (const ResultRow& row : rows) {
    missing.any_figure = missing.any_figure || row.status == Status::ok;
    if (row.status == Status::ok) continue;
    layers.insert(row.layer);
    layers_by_reason[fmt::format("{}: {}", name_of(row.status), row.reason)].insert(row.layer);
  }
  missing.layers = std::ssize(layers);
  for (const auto& [reason, with_it] : layers_by_reason) {
    if (std::ssize(with_it) <= missing.with_commonest_reason) continue;
    missing.commonest_reason = reason;
    missing.with_commonest_reason = std::ssize(with_it);
  }
  return missing;
}

}  // namespace alphahill
