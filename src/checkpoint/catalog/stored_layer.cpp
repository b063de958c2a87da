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
  layer.out_features = rows;
  layer.in_features = cols;
  layer.stored_dtype = tensor.dtype;
  return layer;
}

}  // namespace alphahill
