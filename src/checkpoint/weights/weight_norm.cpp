/// Layers stored as directions and lengths, as torch's weight_norm does.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/cast.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/partners.hpp"

namespace alphahill {

namespace {

using Norm = WeightNorm::Norm;

/// Which norms those lengths are for; nothing where they do not fit.
std::optional<Norm> norm_of(const StoredTensor& directions, const StoredTensor& lengths) {
  const std::vector<std::int64_t>& shape = lengths.shape;
  if (shape == std::vector<std::int64_t>{directions.shape[0], 1}) return Norm::rows;
  if (shape == std::vector<std::int64_t>{1, directions.shape[1]}) return Norm::columns;
  if (shape.empty()) return Norm::whole;
  return std::nullopt;
}

/// The number of a weight's norm.
std::size_t norm_at(Norm norm, std::int64_t row, std::int64_t col) {
  switch (norm) {
    case Norm::rows:
      return static_cast<std::size_t>(row);
    case Norm::columns:
      return static_cast<std::size_t>(col);
    case Norm::whole:
      return 0;
  }
  return 0;
}

/// The directions of a block as numbers.
std::vector<double> read_numbers(const SliceReader& reader, ElementFormat format, const Block& block) {
  const auto count = static_cast<std::size_t>(block.rows * block.cols);
  std::vector<std::byte> bytes(count * static_cast<std::size_t>(bytes_of(format)));
  reader.read(block, bytes);
  std::vector<double> values(count);
  decode(format, bytes, values);
  return values;
}

class WeightNormWeights final : public WeightSource {
 public:
  WeightNormWeights(const WeightNorm& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        stored_(stored),
        directions_(files, stored.directions, bytes_of(stored.format)),
        lengths_(read_numbers({files, stored.lengths, bytes_of(stored.length_format)}, stored.length_format,
                              {0, stored.lengths.rows, 0, stored.lengths.cols})),
        norms_(lengths_.size()) {
    sum_squares();
    for (std::size_t i = 0; i < norms_.size(); ++i) {
      norms_[i] = std::sqrt(norms_[i]);
      if (norms_[i] > 0 && std::isfinite(norms_[i])) continue;
      refuse_values(stored.module, fmt::format("weight norm: norm {} of its directions is {}", i, norms_[i]));
    }
  }

  std::int64_t bytes_of_block(const Block& block) const override {
    return block.rows * block.cols * bytes_of(stored_.format);
  }

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    directions_.read(block, bytes);
  }
  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    alphahill::decode(stored_.format, from.values_at(row, col, to.size(), bytes_of(stored_.format)), to);
    for (std::size_t k = 0; k < to.size(); ++k) {
      const std::size_t i = norm_at(stored_.norm, row, col + static_cast<std::int64_t>(k));
      to[k] = lengths_[i] * to[k] / norms_[i];
    }
  }

  /// Of all directions, some rows at a time.
  void sum_squares() {
    constexpr std::int64_t values_at_once = 256 << 10;
    const std::int64_t rows = stored_.directions.rows, cols = stored_.directions.cols;
    const std::int64_t step = std::max<std::int64_t>(values_at_once / std::max<std::int64_t>(cols, 1), 1);
    for (std::int64_t row = 0; row < rows; row += step) {
      const Block block{row, std::min(step, rows - row), 0, cols};
      const std::vector<double> values = read_numbers(directions_, stored_.format, block);
      for (std::int64_t k = 0; k < std::ssize(values); ++k) {
        const double value = values[static_cast<std::size_t>(k)];
        norms_[norm_at(stored_.norm, row + k / cols, k % cols)] += value * value;
      }
    }
  }

  WeightNorm stored_;
  SliceReader directions_;
  std::vector<double> lengths_;
  std::vector<double> norms_;
};

}  // namespace

std::vector<Layer> WeightNorm::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                    const ModelConfig&) {
  const std::optional<ElementFormat> format = format_of(tensor.dtype);
  if (!format || tensor.shape.size() != 2) return {};
  for (const auto& [of_directions, of_lengths] : weight_norm_endings) {
    const auto module = without_ending(tensor.name, of_directions);
    if (!module) continue;
    const StoredTensor* lengths = headers.find(fmt::format("{}{}", *module, of_lengths));
    if (lengths == nullptr) continue;
    const std::optional<ElementFormat> length_format = format_of(lengths->dtype);
    const std::optional<Norm> norm = norm_of(tensor, *lengths);
    if (!norm || !length_format) {
      return {unsupported_layer(tensor, *module, {tensor.shape[0], tensor.shape[1]},
                                fmt::format("weight norm: expected lengths [{}, 1], [1, {}] or one, found {}",
                                            tensor.shape[0], tensor.shape[1], shown(*lengths)))};
    }
    return {make_layer(tensor, *module,
                       WeightNorm{*norm, printable(*module), *format, whole_matrix(tensor), *length_format,
                                  whole_tensor(*lengths)})};
  }
  return {};
}

WeightShape WeightNorm::shape() const {
  const std::int64_t norms = lengths.rows * lengths.cols;
  return {
      .rows = directions.rows,
      .cols = directions.cols,
      .values = ElementFormat::fp64,
      .code_bits = 8 * bytes_of(format),
      .stored_bytes = directions.rows * directions.cols * bytes_of(format) + norms * bytes_of(length_format),
      .held_bytes = norms * 2 * bytes_of(ElementFormat::fp64)};
}

std::string WeightNorm::stored_as() const {
  return fmt::format("{} weight norm", name_of(format));
}

std::unique_ptr<WeightSource> WeightNorm::open(LayerFiles& files) const {
  return std::make_unique<WeightNormWeights>(*this, files);
}

}  // namespace alphahill
