/// A checkpoint with quantized layers: their values as numbers, or the reason why there are none.
#pragma once

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "alphahill/base/bytes.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {

class QuantizedLayer {
 public:
  explicit QuantizedLayer(const CheckpointBuilder& builder, const std::string& config = "{}",
                          std::size_t shards = 1) {
    folder_.write("config.json", config);
    shards == 1 ? builder.write(folder_.path()) : builder.write_shards(folder_.path(), shards);
    // As it reaches the ranks that compute its layers.
    catalog_ = from_bytes<Catalog>(to_bytes(open_catalog(folder_.path(), "")), "catalog");
  }

  const Layer& layer(std::size_t i = 0) const { return catalog_.layers.at(i); }
  std::size_t count() const { return catalog_.layers.size(); }

  std::vector<double> values(const Block& block, std::size_t i = 0) const {
    const LayerWeights weights(catalog_, layer(i));
    std::vector<double> values(static_cast<std::size_t>(block.rows * block.cols));
    read_decoded(weights.source(), block, values);
    return values;
  }
  std::vector<double> values(std::size_t i = 0) const {
    const WeightShape shape = layer(i).shape();
    return values({0, shape.rows, 0, shape.cols}, i);
  }

  /// Why the first layer has no values.
  std::string refusal() const {
    if (layer().unsupported() != nullptr) return *layer().unsupported();
    const auto error = thrown_by([&] { LayerWeights(catalog_, layer()); });
    return error ? error->what() : "nothing was thrown";
  }

 private:
  TemporaryFolder folder_;
  Catalog catalog_;
};

/// Part of a matrix, row-major.
inline std::vector<double> block_of(const std::vector<double>& matrix, std::int64_t matrix_cols,
                                    const Block& block) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < block.rows; ++i) {
    const auto row = matrix.begin() + (block.row + i) * matrix_cols + block.col;
    values.insert(values.end(), row, row + block.cols);
  }
  return values;
}

/// Codes one after another, each from its lowest bit on.
inline std::vector<std::uint32_t> packed(const std::vector<std::uint32_t>& codes, std::size_t bits) {
  std::vector<std::uint32_t> words((codes.size() * bits + 31) / 32);
  for (std::size_t bit = 0; bit < codes.size() * bits; ++bit) {
    words[bit / 32] |= (codes[bit / bits] >> (bit % bits) & 1U) << (bit % 32);
  }
  return words;
}

/// @pre the values have 8 significant bits
inline std::vector<std::uint16_t> in_bf16(const std::vector<double>& values) {
  std::vector<std::uint16_t> codes;
  for (const double value : values) {
    codes.push_back(
        static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16));
  }
  return codes;
}

inline std::vector<float> in_fp32(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace alphahill
