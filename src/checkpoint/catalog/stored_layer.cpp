#include "checkpoint/catalog/stored_layer.hpp"

#include "alphahill/base/text.hpp"

namespace alphahill {

std::optional<std::string_view> without_ending(std::string_view name, std::string_view ending) {
  if (!name.ends_with(ending) || name.size() == ending.size()) return std::nullopt;
  return name.substr(0, name.size() - ending.size());
}

Layer make_layer(const StoredTensor& tensor, std::string_view name, std::int64_t rows, std::int64_t cols) {
  Layer layer;
  layer.name = printable(name);
  layer.out_features = layer.rows = rows;
  layer.in_features = layer.cols = cols;
  layer.stored_dtype = tensor.dtype;
  layer.file = tensor.file;
  layer.offset = tensor.offset;
  return layer;
}

}  // namespace alphahill
