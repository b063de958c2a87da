#include "alphahill/checkpoint/layer_table.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/aligned_rows.hpp"

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

}  // namespace

std::string layer_table(const Catalog& catalog) {
  std::vector<Row> rows{{"#", "layer", "category", "out x in", "stored", "bits", "file", ""}};
  for (std::size_t i = 0; i < catalog.layers.size(); ++i) rows.push_back(row_of(catalog, i));
  return aligned(rows, {true, false, false, true, false, true, false, false});
}

}  // namespace alphahill
