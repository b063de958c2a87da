/// alpha-hill-dump-weights MODEL LAYER [PRECISION]: writes the weights of a layer, rounded once to fp32 and then cast to
/// the precision, to standard output: row-major, little-endian, [out_features, in_features].
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/logging.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "alphahill/formats/cast.hpp"
#include "alphahill/spectrum/precision_cast.hpp"

namespace alphahill {
namespace {

const Layer& layer_called(const Catalog& catalog, const std::string& name) {
  const auto found = std::ranges::find(catalog.layers, name, &Layer::name);
  if (found == catalog.layers.end()) throw Error(Fault::usage, name, "no such layer");
  if (found->unsupported() != nullptr) throw Error(Fault::input, name, *found->unsupported());
  return *found;
}

std::vector<float> read_block(const WeightSource& weights, const Block& block) {
  const auto count = static_cast<std::size_t>(block.rows * block.cols);
  std::vector<double> stored(count);
  read_decoded(weights, block, stored);
  std::vector<float> loaded(count);
  cast_loaded(ElementFormat::fp32, stored, loaded);
  return loaded;
}

/// W [out_features, in_features], read in blocks of some rows, each in two parts that are cut at an odd column, as
/// panels may be.
std::vector<float> read_weights(const WeightSource& weights) {
  constexpr std::int64_t rows_at_once = 37;
  const std::int64_t rows = weights.rows();
  const std::int64_t cols = weights.cols();
  const bool transposed = weights.shape().transposed;
  std::vector<float> all(static_cast<std::size_t>(rows * cols));
  const auto place = [&](const Block& block) {
    const std::vector<float> values = read_block(weights, block);
    for (std::int64_t i = 0; i < block.rows; ++i) {
      for (std::int64_t j = 0; j < block.cols; ++j) {
        const std::int64_t row = block.row + i;
        const std::int64_t col = block.col + j;
        all[static_cast<std::size_t>(transposed ? col * rows + row : row * cols + col)] =
            values[static_cast<std::size_t>(i * block.cols + j)];
      }
    }
  };
  const std::int64_t cut = std::min(cols / 3 | 1, cols);
  for (std::int64_t row = 0; row < rows; row += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, rows - row);
    place({row, count, 0, cut});
    place({row, count, cut, cols - cut});
  }
  return all;
}

std::vector<float> cast_to(const Precision& precision, const Layer& layer,
                           const std::vector<float>& weights) {
  PrecisionCast cast(precision, plain_shape(layer.out_features, layer.in_features, ElementFormat::fp32));
  const PanelPlace whole{0, 0, layer.in_features};
  if (cast.needs_first_pass()) cast.observe(weights, whole, 0);
  std::vector<float> rounded(weights.size());
  cast.cast(weights, whole, 0, rounded);
  return rounded;
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  using namespace alphahill;
  if (argc != 3 && argc != 4) return 2;
  start_logging("WARNING", 0);
  try {
    const Catalog catalog = open_catalog(argv[1], "");
    const Layer& layer = layer_called(catalog, argv[2]);
    std::vector<float> weights = read_weights(LayerWeights(catalog, layer).source());
    if (argc == 4) weights = cast_to(parse_precision(argv[3], "PRECISION"), layer, weights);
    std::fwrite(weights.data(), sizeof(float), weights.size(), stdout);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
