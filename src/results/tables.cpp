#include "alphahill/results/tables.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// In the order of Status.
constexpr std::array<std::string_view, 6> status_names{"ok",        "degenerate",  "no_tail",
                                                       "nonfinite", "unsupported", "failed"};

}  // namespace

std::string_view name_of(Status status) {
  return status_names.at(static_cast<std::size_t>(status));
}

double seconds_of(const LayerRecord& record) {
  return std::accumulate(record.results.begin(), record.results.end(), 0.0,
                         [](double sum, const ResultRow& row) { return sum + row.seconds; });
}

Status parse_status(std::string_view name) {
  const auto found = std::ranges::find(status_names, name);
  if (found != status_names.end()) return static_cast<Status>(found - status_names.begin());
  const std::vector<std::string> names(status_names.begin(), status_names.end());
  throw Error(Fault::input, "status",
              "expected one of " + joined(names) + ", found '" + std::string(name) + "'");
}

}  // namespace alphahill
