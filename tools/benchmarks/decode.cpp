/// alpha-hill-decode FOLDER: how long the weights of each layer of a checkpoint take from the file to their load
/// dtype, on one core.
///
/// Prints JSON: nanoseconds a weight by the layer's name, the least of several turns, each of which takes all
/// layers.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/logging.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "alphahill/formats/cast.hpp"
#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

namespace {

/// As panels are read: some rows at a time, decoded and cast in blocks that stay in the first-level cache.
void load(const WeightSource& weights) {
  constexpr std::int64_t cast_block = 2048;
  const std::int64_t depth = panel_depth(weights.shape());
  std::vector<std::byte> bytes;
  std::vector<double> stored(cast_block);
  std::vector<float> loaded(cast_block);
  for (std::int64_t row = 0; row < weights.rows(); row += depth) {
    const Block block{row, std::min(depth, weights.rows() - row), 0, weights.cols()};
    bytes.resize(static_cast<std::size_t>(weights.bytes_of_block(block)));
    weights.read(block, bytes);
    for (std::int64_t i = row; i < row + block.rows; ++i) {
      for (std::int64_t col = 0; col < block.cols; col += cast_block) {
        const auto size = static_cast<std::size_t>(std::min(cast_block, block.cols - col));
        weights.decode({block, bytes}, i, col, std::span(stored).first(size));
        cast_loaded(ElementFormat::fp32, std::span(stored).first(size), std::span(loaded).first(size));
      }
    }
  }
}

double seconds_to_load(const Catalog& catalog, const Layer& layer) {
  const LayerWeights weights(catalog, layer);
  const std::clock_t start = std::clock();
  load(weights.source());
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void measure(const char* folder) {
  constexpr int turns = 7;
  const Catalog catalog = open_catalog(folder, "");
  std::map<std::string, double> least;
  for (int turn = 0; turn < turns; ++turn) {
    for (const Layer& layer : catalog.layers) {
      const double nanoseconds = seconds_to_load(catalog, layer) / static_cast<double>(layer.numel()) * 1e9;
      const auto [found, first] = least.try_emplace(layer.name, nanoseconds);
      if (!first) found->second = std::min(found->second, nanoseconds);
    }
  }
  std::vector<std::string> fields;
  for (const auto& [name, nanoseconds] : least)
    fields.push_back(fmt::format(R"("{}": {:.4g})", name, nanoseconds));
  fmt::print("{{{}}}\n", fmt::join(fields, ", "));
}

}  // namespace

}  // namespace alphahill

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  alphahill::start_logging("WARNING", 0);
  try {
    alphahill::measure(argv[1]);
  } catch (const alphahill::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
