#include "checkpoint/catalog/stored_layer.hpp"

#include <fmt/format.h>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
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

Layer unsupported_layer(const StoredTensor& tensor, std::string_view name, Features features,
                        const std::string& reason) {
  if (!checked_multiply(features.out, features.in)) {
    throw Error(Fault::input, fmt::format("tensor '{}'", tensor.name),
                fmt::format("the size of a layer of {} x {} weights overflows", features.out, features.in));
  }
  Layer layer = make_layer(tensor, name, features.out, features.in);
  layer.layout = Unsupported{printable_message(reason), {.file = tensor.file, .offset = tensor.offset}};
  return layer;
}

}  // namespace alphahill
