#include "checkpoint/catalog/stored_layer.hpp"

#include <fmt/format.h>

#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

std::optional<std::string_view> without_ending(std::string_view name, std::string_view ending) {
  if (!name.ends_with(ending) || name.size() == ending.size()) return std::nullopt;
  return name.substr(0, name.size() - ending.size());
}

Layer make_layer(const StoredTensor& tensor, std::string_view name, StoredLayout layout) {
  Layer layer;
  layer.name = printable(name);
  layer.stored_dtype = tensor.dtype;
  layer.layout = std::move(layout);
  const WeightShape shape = layer.shape();
  layer.out_features = shape.transposed ? shape.cols : shape.rows;
  layer.in_features = shape.transposed ? shape.rows : shape.cols;
  return layer;
}

Layer unsupported_layer(const StoredTensor& tensor, std::string_view name, Features features,
                        const std::string& reason) {
  if (!checked_multiply(features.out, features.in)) {
    throw Error(Fault::input, fmt::format("tensor '{}'", tensor.name),
                fmt::format("the size of a layer of {} x {} weights overflows", features.out, features.in));
  }
  Layer layer = make_layer(
      tensor, name, Unsupported{printable_message(reason), {.file = tensor.file, .offset = tensor.offset}});
  layer.out_features = features.out;
  layer.in_features = features.in;
  return layer;
}

std::string pre_quantized(std::string_view scheme) {
  return fmt::format("pre-quantized weights ({}) cannot be analysed", scheme);
}

}  // namespace alphahill
