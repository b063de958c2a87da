/// alpha-hill-dump-weights MODEL LAYER: writes the weights of a layer, rounded once to fp32, to standard output:
/// row-major, little-endian, [out_features, in_features] or its transpose, as they are stored.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "alphahill/formats/cast.hpp"

namespace alphahill {
namespace {

const Layer& layer_called(const Catalog& catalog, const std::string& name) {
  const auto found = std::ranges::find(catalog.layers, name, &Layer::name);
  if (found == catalog.layers.end()) throw Error(Fault::usage, name, "no such layer");
  if (found->unsupported() != nullptr) throw Error(Fault::input, name, *found->unsupported());
  return *found;
}

/// A block of the weights, by [out, in] of the block.
std::vector<float> read_block(const WeightSource& weights, const Block& block) {
  const auto count = static_cast<std::size_t>(block.rows * block.cols);
  const ElementFormat format = weights.shape().values;
  std::vector<std::byte> bytes(count * static_cast<std::size_t>(bytes_of(format)));
  weights.read(block, bytes);
  std::vector<double> stored(count);
  decode(format, bytes, stored);
  std::vector<float> loaded(count);
  cast_loaded(ElementFormat::fp32, stored, loaded);
  return loaded;
}

/// In blocks of some rows, each in two parts that are cut at an odd column, as panels may be.
void write_fp32(const WeightSource& weights) {
  constexpr std::int64_t rows_at_once = 37;
  const std::int64_t cut = std::min(weights.cols() / 3 | 1, weights.cols());
  for (std::int64_t row = 0; row < weights.rows(); row += rows_at_once) {
    const std::int64_t rows = std::min(rows_at_once, weights.rows() - row);
    const std::vector<float> left = read_block(weights, {row, rows, 0, cut});
    const std::vector<float> right = read_block(weights, {row, rows, cut, weights.cols() - cut});
    for (std::int64_t i = 0; i < rows; ++i) {
      std::fwrite(left.data() + i * cut, sizeof(float), static_cast<std::size_t>(cut), stdout);
      std::fwrite(right.data() + i * (weights.cols() - cut), sizeof(float),
                  static_cast<std::size_t>(weights.cols() - cut), stdout);
    }
  }
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  using namespace alphahill;
  if (argc != 3) return 2;
  try {
    const Catalog catalog = open_catalog(argv[1], "");
    const Layer& layer = layer_called(catalog, argv[2]);
    write_fp32(LayerWeights(catalog, layer).source());
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
