#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/expert_tensor.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partners.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t group_weights = 32;
constexpr std::int64_t group_bytes = group_weights / 2;

/// The values of two codes.
struct ValuePair {
  float first;
  float second;
};

/// By byte, whose low bits are the first code.
constexpr std::array<ValuePair, 256> value_pairs = [] {
  std::array<ValuePair, 256> pairs{};
  for (std::uint32_t byte = 0; byte < pairs.size(); ++byte)
    pairs[byte] = {decode_f4_e2m1(byte & 15U), decode_f4_e2m1(byte >> 4)};
  return pairs;
}();

/// Both factors have so few bits that the product is exact or beyond fp32. Two weights a look-up are as fast as a
/// vector of weights put together from bits.
void decode_groups(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                   std::span<float> to) {
  for (std::size_t group = 0; group < scales.size(); ++group) {
    const auto scale = static_cast<float>(decode_f8_e8m0(scales[group]));
    for (std::size_t i = group * group_bytes; i < (group + 1) * group_bytes; ++i) {
      const ValuePair& pair = value_pairs[codes[i]];
      to[2 * i] = pair.first * scale;
      to[2 * i + 1] = pair.second * scale;
    }
  }
}

class Mxfp4Weights final : public WeightSource {
 public:
  Mxfp4Weights(const WeightShape& shape, LayerFiles& files, const TensorSlice& codes,
               const TensorSlice& scales)
      : WeightSource(shape),
        codes_(files, codes, 1),
        groups_(scales.cols),
        scales_(static_cast<std::size_t>(scales.rows * scales.cols)) {
    SliceReader(files, scales, 1)
        .read({0, scales.rows, 0, scales.cols}, std::as_writable_bytes(std::span(scales_)));
    constexpr std::uint8_t not_a_number = 255;
    const auto found = std::ranges::find(scales_, not_a_number);
    if (found == scales_.end()) return;
    const std::int64_t group = found - scales_.begin();
    throw Error(Fault::internal, files.open(scales.file).path().string(),
                fmt::format("the scale of group {} in row {} is NaN", group % groups_, group / groups_));
  }

  void read(const Block& block, std::span<std::byte> bytes) const override {
    check(block, bytes);
    constexpr std::int64_t codes_at_a_time = 64 << 10;
    const std::int64_t first = block.col / group_weights;
    const std::int64_t groups = (block.col + block.cols + group_weights - 1) / group_weights - first;
    if (bytes.empty()) return;
    const std::int64_t rows_at_a_time = std::max<std::int64_t>(codes_at_a_time / (groups * group_bytes), 1);
    std::vector<std::uint8_t> codes;
    for (std::int64_t row = 0; row < block.rows; row += rows_at_a_time) {
      const std::int64_t rows = std::min(rows_at_a_time, block.rows - row);
      codes.resize(static_cast<std::size_t>(rows * groups * group_bytes));
      codes_.read({block.row + row, rows, first * group_bytes, groups * group_bytes},
                  std::as_writable_bytes(std::span(codes)));
      const auto row_bytes = bytes.size() / static_cast<std::size_t>(block.rows);
      decode_rows({block.row + row, rows, block.col, block.cols}, codes,
                  bytes.subspan(static_cast<std::size_t>(row) * row_bytes));
    }
  }

 private:
  void check(const Block& block, std::span<std::byte> bytes) const {
    if (std::ssize(bytes) == block.rows * block.cols * bytes_of(shape().values)) return;
    throw Error(Fault::internal, "MXFP4",
                fmt::format("a block of {} x {} values into {} bytes", block.rows, block.cols, bytes.size()));
  }

  /// @param codes  of the groups that the block's columns touch, row by row
  void decode_rows(const Block& block, std::span<const std::uint8_t> codes, std::span<std::byte> to) const {
    const std::size_t codes_of_row = codes.size() / static_cast<std::size_t>(block.rows);
    const std::size_t groups = codes_of_row / group_bytes;
    const auto row_bytes = static_cast<std::size_t>(block.cols) * sizeof(float);
    std::vector<float> values(groups * group_weights);
    for (std::size_t row = 0; row < static_cast<std::size_t>(block.rows); ++row) {
      const std::int64_t first =
          (block.row + static_cast<std::int64_t>(row)) * groups_ + block.col / group_weights;
      decode_groups(codes.subspan(row * codes_of_row, codes_of_row),
                    std::span(scales_).subspan(static_cast<std::size_t>(first), groups), values);
      std::memcpy(&to[row * row_bytes], &values[static_cast<std::size_t>(block.col % group_weights)],
                  row_bytes);
    }
  }

  SliceReader codes_;
  std::int64_t groups_;  ///< in a row
  std::vector<std::uint8_t> scales_;
};

/// Why the scales cannot be those of the codes; empty where they can.
std::string misfit_of_scales(const StoredTensor* scales, const std::string& name,
                             std::span<const std::int64_t> codes_shape) {
  const auto expected = codes_shape.first(3);
  if (scales == nullptr) return fmt::format("{} is missing", name);
  const bool fit =
      std::ranges::equal(scales->shape, expected) && (scales->dtype == "U8" || scales->dtype == "F8_E8M0");
  if (fit) return {};
  return fmt::format("{}: expected U8 [{}], found {}", name, fmt::join(expected, ", "), shown(*scales));
}

std::vector<Layer> layers_of(const StoredTensor& codes, const StoredTensor& scales,
                             const ExpertTensor& experts) {
  ExpertTensor in_bytes = experts;
  in_bytes.cols = experts.cols / 2;
  const std::vector<ExpertMatrix> of_codes = matrices_of(in_bytes, codes.file, codes.offset, 1);
  in_bytes.cols = experts.cols / group_weights;
  const std::vector<ExpertMatrix> of_scales = matrices_of(in_bytes, scales.file, scales.offset, 1);
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < of_codes.size(); ++i) {
    Layer& layer =
        layers.emplace_back(make_layer(codes, of_codes[i].layer, of_codes[i].values.rows, experts.cols));
    layer.stored_dtype = "MXFP4";
    layer.layout = Mxfp4Experts{of_codes[i].values, of_scales[i].values};
  }
  return layers;
}

}  // namespace

std::vector<Layer> Mxfp4Experts::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                      const ModelConfig& config) {
  const auto name = without_ending(tensor.name, "_blocks");
  if (!name || tensor.shape.size() != 4) return {};
  const std::vector<std::int64_t>& stored = tensor.shape;
  const std::int64_t cols = checked_multiply(stored[2], group_weights).value_or(0);
  const std::array shape{stored[0], stored[1], cols};
  const auto experts = find_expert_tensor(*name, shape, OutputAxis::rows, headers, config);
  if (!experts) return {};
  const std::string scales_name = std::string(*name) + "_scales";
  const StoredTensor* scales = headers.find(scales_name);
  std::string why = experts->unknown;
  if (why.empty()) why = misfit_of_scales(scales, scales_name, stored);
  if (tensor.dtype != "U8" || stored[3] != group_bytes) {
    why = fmt::format("expected U8 [experts, rows, groups, {}]", group_bytes);
  }
  if (why.empty()) return layers_of(tensor, *scales, *experts);
  return {unsupported_layer(tensor, *name, {stored[1], cols},
                            fmt::format("MXFP4 experts in one tensor, {}: {}", shown(tensor), why))};
}

WeightShape Mxfp4Experts::shape() const {
  return {.rows = codes.rows,
          .cols = codes.cols * 2,
          .values = ElementFormat::fp32,
          .stored_bytes = codes.rows * (codes.cols + scales.cols)};
}

std::unique_ptr<WeightSource> Mxfp4Experts::open(LayerFiles& files) const {
  return std::make_unique<Mxfp4Weights>(shape(), files, codes, scales);
}

}  // namespace alphahill
