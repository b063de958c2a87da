#include "alphahill/checkpoint/layer_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::size_t columns = 8;
using Row = std::array<std::string, columns>;

Row row_of(const Catalog& catalog, std::size_t i) {
  const Layer& layer = catalog.layers[i];
  return {std::to_string(i + 1),
          layer.name,
          layer.category,
          fmt::format("{} x {}", layer.out_features, layer.in_features),
          layer.stored_as(),
          layer.unsupported() == nullptr ? fmt::format("{:.4g}", layer.bits_per_weight()) : "",
          printable(catalog.files[static_cast<std::size_t>(first_file(layer.layout))].name),
          layer.unsupported() == nullptr ? "" : *layer.unsupported()};
}

/// Widths of the columns; a name beyond the limit spoils its own line and no other.
std::array<std::size_t, columns> widths_of(const std::vector<Row>& rows) {
  constexpr std::size_t most_width = 100;
  std::array<std::size_t, columns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i].size() <= most_width) widths[i] = std::max(widths[i], row[i].size());
    }
  }
  return widths;
}

std::string line_of(const Row& row, const std::array<std::size_t, columns>& widths) {
  std::string line = fmt::format("{:>{}}", row[0], widths[0]);
  for (std::size_t i = 1; i < columns; ++i) {
    const bool is_number = i == 3 || i == 5;
    line +=
        is_number ? fmt::format("  {:>{}}", row[i], widths[i]) : fmt::format("  {:<{}}", row[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string layer_table(const Catalog& catalog) {
  std::vector<Row> rows{{"#", "layer", "category", "out x in", "stored", "bits", "file", ""}};
  for (std::size_t i = 0; i < catalog.layers.size(); ++i) rows.push_back(row_of(catalog, i));
  const auto widths = widths_of(rows);
  std::string table;
  for (const Row& row : rows) table += line_of(row, widths);
  return table;
}

}  // namespace alphahill
