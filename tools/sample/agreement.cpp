#include "sample/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "sample/known_matrix.hpp"

namespace alphahill::sample {

namespace {

constexpr double allowed_relative_difference = 1e-9;
constexpr std::int64_t largest_csv_bytes = 1 << 30;

using Row = std::map<std::string, std::string>;  // by column

/// The rows of a CSV without quoted cells, by layer name.
std::map<std::string, Row> read_rows(const std::filesystem::path& csv) {
  std::istringstream lines(read_text(csv, largest_csv_bytes));
  std::vector<std::string> columns, cells;
  std::map<std::string, Row> rows;
  for (std::string line; std::getline(lines, line);) {
    boost::split(cells, boost::trim_right_copy(line), boost::is_any_of(","));
    if (columns.empty()) {
      columns = cells;
    } else if (cells.size() == columns.size()) {
      for (std::size_t i = 0; i < cells.size(); ++i) rows[cells.front()][columns[i]] = cells[i];
    } else {
      throw Error(Fault::input, csv.string(),
                  fmt::format("expected {} cells, found '{}'", columns.size(), line));
    }
  }
  return rows;
}

double relative_difference(const Row& row, const std::string& precision, const KnownFigures& known) {
  if (row.at("k_used_" + precision) != std::to_string(known.k_used) ||
      row.at("n_eigs_" + precision) != std::to_string(known.n_eigs)) {
    return std::numeric_limits<double>::infinity();
  }
  const std::string& cell = row.at("alpha_" + precision);
  const double alpha = cell.empty() ? std::nan("") : std::strtod(cell.c_str(), nullptr);
  const double difference = std::abs(alpha - known.alpha) / known.alpha;
  return std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity();
}

void compare_row(Agreement& agreement, const Row& row, const Tensor& tensor, const Options& options) {
  for (const ElementFormat precision :
       {ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}) {
    const std::string name(name_of(precision));
    if (!row.contains("alpha_" + name)) continue;
    const double difference =
        relative_difference(row, name, known_figures(tensor, options.seed, options.dtype, precision));
    ++agreement.figures;
    agreement.largest_difference = std::max(agreement.largest_difference, difference);
    if (difference > allowed_relative_difference) {
      agreement.disagreements.push_back({tensor.layer, name, difference});
    }
  }
}

}  // namespace

Agreement compare(const std::filesystem::path& csv, const Options& options) {
  auto rows = read_rows(csv);
  Agreement agreement;
  for (const Tensor& tensor : tensors_of(options)) {
    if (tensor.layer.empty()) continue;
    if (!rows.contains(tensor.layer)) throw Error(Fault::input, csv.string(), "no row for " + tensor.layer);
    compare_row(agreement, rows.at(tensor.layer), tensor, options);
    rows.erase(tensor.layer);
  }
  if (!rows.empty())
    throw Error(Fault::input, csv.string(), "not a layer of the sample: " + rows.begin()->first);
  std::ranges::sort(agreement.disagreements, std::greater<>(), &Disagreement::relative_difference);
  return agreement;
}

}  // namespace alphahill::sample
