#include "checkpoint/weights/scaled_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/scales.hpp"

namespace alphahill {

namespace {

using TensorScale = ScaledCodes::TensorScale;

/// Codes that can be decoded only together, and the bytes that they take.
struct Unit {
  std::int64_t codes;
  std::int64_t bytes;
};

Unit unit_of(const ScaledCodes& stored) {
  switch (stored.format) {
    case CodeFormat::f8_e4m3:
    case CodeFormat::int8:
      return {1, 1};
    case CodeFormat::f4_e2m1:
      return {2, 1};
    case CodeFormat::bit_string:
      return {8, stored.bits};
    case CodeFormat::words:
      return {32 / stored.bits, 4};
  }
  return {};
}

/// The group of each column. @throws Error(internal) for an index that is none
std::vector<std::int32_t> read_group_indices(LayerFiles& files, const ScaledCodes& stored) {
  auto groups = read_values<std::int32_t>(files, stored.group_indices);
  if (std::ranges::find(groups, -1) != groups.end()) return {};  // compressed-tensors: in order
  const auto wrong = std::ranges::find_if(
      groups, [&](std::int32_t group) { return group < 0 || group >= stored.scales.values.cols; });
  if (wrong == groups.end()) return groups;
  throw Error(Fault::internal, "weight_g_idx",
              fmt::format("expected groups from 0 to {}, found {} at {}", stored.scales.values.cols - 1,
                          *wrong, wrong - groups.begin()));
}

class ScaledWeights final : public WeightSource {
 public:
  ScaledWeights(const ScaledCodes& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        stored_(stored),
        unit_(unit_of(stored)),
        codes_(files, stored.codes, 1),
        scales_(files, stored.scales, stored.scale_name),
        tensor_scale_(read_tensor_scale(files, stored)) {
    if (stored.zero_points != ScaledCodes::ZeroPoints::none) zero_points_.emplace(files, stored);
    if (stored.has_group_indices) group_indices_ = read_group_indices(files, stored);
  }

  void read(const Block& block, std::span<std::byte> bytes) const override {
    if (bytes.empty()) return;
    const std::span values(reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double));
    const auto cols = static_cast<std::size_t>(block.cols);
    Rows rows(*this, block);
    for (std::int64_t i = 0; i < block.rows; ++i) {
      rows.decode(block.row + i, values.subspan(static_cast<std::size_t>(i) * cols, cols));
    }
  }

 private:
  /// Decodes the rows of a block one after another.
  class Rows {
   public:
    Rows(const ScaledWeights& weights, const Block& block)
        : weights_(weights),
          block_(block),
          first_unit_(block.col / weights.unit_.codes),
          units_((block.col + block.cols - 1) / weights.unit_.codes + 1 - first_unit_),
          row_bytes_(std::min(units_ * weights.unit_.bytes,
                              weights.stored_.codes.cols - first_unit_ * weights.unit_.bytes)),
          rows_at_once_(std::max<std::int64_t>(bytes_at_once / row_bytes_, 1)),
          codes_(static_cast<std::size_t>(units_ * weights.unit_.codes)) {
      const std::int64_t group = weights.stored_.scales.block_cols;
      first_group_ = weights.group_indices_.empty() ? block.col / group : 0;
      const std::int64_t last_group = weights.group_indices_.empty() ? (block.col + block.cols - 1) / group
                                                                     : weights.stored_.scales.values.cols - 1;
      groups_ = {block.col - first_group_ * group, group};
      scales_.resize(static_cast<std::size_t>(last_group + 1 - first_group_));
      zero_points_.resize(weights.zero_points_ ? scales_.size() : 0);
    }

    /// @pre rows are asked for in order
    void decode(std::int64_t row, std::span<double> to) {
      decode_codes(row_of_bytes(row));
      load_scales(row / weights_.stored_.scales.block_rows);
      const auto before = static_cast<std::size_t>(block_.col - first_unit_ * weights_.unit_.codes);
      const std::span<float> codes = std::span(codes_).subspan(before, to.size());
      if (weights_.group_indices_.empty()) {
        if (!zero_points_.empty()) subtract(zero_points_, groups_, codes);
        multiply(codes, groups_, scales_, to);
      } else {
        multiply_by_indices(codes, to);
      }
      if (weights_.stored_.tensor_scale == TensorScale::divisor) divide(weights_.tensor_scale_, to);
    }

   private:
    static constexpr std::int64_t bytes_at_once = 256 << 10;
    static constexpr std::size_t read_behind = 8;  ///< bytes; see decode_bit_string

    std::span<const std::byte> row_of_bytes(std::int64_t row) {
      if (row >= read_to_) {
        read_from_ = row;
        read_to_ = std::min(row + rows_at_once_, block_.row + block_.rows);
        const auto size = static_cast<std::size_t>((read_to_ - read_from_) * row_bytes_);
        bytes_.resize(size + read_behind);
        weights_.codes_.read(
            {read_from_, read_to_ - read_from_, first_unit_ * weights_.unit_.bytes, row_bytes_},
            std::span(bytes_).first(size));
      }
      return std::span(bytes_).subspan(static_cast<std::size_t>((row - read_from_) * row_bytes_));
    }

    void decode_codes(std::span<const std::byte> bytes) {
      const ScaledCodes& stored = weights_.stored_;
      // Of unsigned integers without zero points, half of the range stands for 0.
      const int zero = zero_points_.empty() ? 1 << (stored.bits - 1) : 0;
      switch (stored.format) {
        case CodeFormat::f8_e4m3:
          return decode_f8_e4m3(bytes, codes_);
        case CodeFormat::int8:
          return decode_int8(bytes, codes_);
        case CodeFormat::f4_e2m1:
          return decode_f4_e2m1(bytes, codes_);
        case CodeFormat::bit_string:
          return decode_bit_string(stored.bits, zero, bytes, codes_);
        case CodeFormat::words:
          return decode_words(stored.bits, zero, bytes, codes_);
      }
    }

    void load_scales(std::int64_t row_of_blocks) {
      if (row_of_blocks == row_of_blocks_) return;
      row_of_blocks_ = row_of_blocks;
      weights_.scales_.decode(row_of_blocks, first_group_, scales_);
      if (weights_.stored_.tensor_scale == TensorScale::factor) {
        for (double& scale : scales_) scale *= weights_.tensor_scale_;
      }
      if (!zero_points_.empty()) weights_.zero_points_->decode(row_of_blocks, first_group_, zero_points_);
    }

    void multiply_by_indices(std::span<const float> codes, std::span<double> to) const {
      for (std::size_t k = 0; k < to.size(); ++k) {
        const auto group =
            static_cast<std::size_t>(weights_.group_indices_[static_cast<std::size_t>(block_.col) + k]);
        const float zero = zero_points_.empty() ? 0 : zero_points_[group];
        to[k] = double{codes[k] - zero} * scales_[group];
      }
    }

    const ScaledWeights& weights_;
    Block block_;
    std::int64_t first_unit_;
    std::int64_t units_;
    std::int64_t row_bytes_;  ///< that are read of a row
    std::int64_t rows_at_once_;
    std::int64_t read_from_ = 0;  ///< rows in bytes_
    std::int64_t read_to_ = 0;
    std::vector<std::byte> bytes_;
    std::vector<float> codes_;
    std::int64_t first_group_ = 0;
    RowGroups groups_{};
    std::int64_t row_of_blocks_ = -1;  ///< of the scales that are decoded
    std::vector<double> scales_;
    std::vector<float> zero_points_;
  };

  ScaledCodes stored_;
  Unit unit_;
  SliceReader codes_;
  Scales scales_;
  double tensor_scale_;
  std::optional<ZeroPoints> zero_points_;
  std::vector<std::int32_t> group_indices_;  ///< empty where columns have their groups in order
};

std::string_view code_name(const ScaledCodes& stored) {
  const bool power_of_two = stored.scales.format == ScaleFormat::f8_e8m0 && stored.scales.block_rows == 1;
  switch (stored.format) {
    case CodeFormat::f8_e4m3:
      return power_of_two ? "mxfp8" : "F8_E4M3";
    case CodeFormat::f4_e2m1:
      return power_of_two ? "mxfp4" : "nvfp4";
    default: {
      constexpr std::array<std::string_view, 9> names{"",     "",     "int2", "int3", "int4",
                                                      "int5", "int6", "int7", "int8"};
      return names.at(static_cast<std::size_t>(stored.bits));
    }
  }
}

/// "block 128x128", "g128", "per row", "per tensor".
std::string block_text(const ScaledCodes& stored) {
  const auto& [values, format, block_rows, block_cols] = stored.scales;
  if (block_rows > 1 && values.rows * values.cols <= 1) return "per tensor";
  if (block_rows > 1) return fmt::format("block {}x{}", block_rows, block_cols);
  return block_cols >= stored.cols ? "per row" : fmt::format("g{}", block_cols);
}

std::int64_t bytes_of_slice(const TensorSlice& slice, std::int64_t value_bytes) {
  return slice.rows * slice.cols * value_bytes;
}

std::int64_t zero_point_bytes(const ScaledCodes& stored) {
  const bool packed = stored.zero_points != ScaledCodes::ZeroPoints::int8;
  return bytes_of_slice(stored.zero_point_values, packed ? sizeof(std::uint32_t) : 1);
}

}  // namespace

WeightShape ScaledCodes::shape() const {
  const std::int64_t scale_bytes = bytes_of_slice(scales.values, bytes_of(scales.format));
  const std::int64_t index_bytes = bytes_of_slice(group_indices, sizeof(std::int32_t));
  const std::int64_t held_zero_points =
      zero_points == ZeroPoints::none ? 0 : bytes_of_slice(scales.values, sizeof(std::int16_t));
  // Codes and scales have up to 32 significant bits together.
  return {.rows = rows,
          .cols = cols,
          .values = ElementFormat::fp64,
          .stored_bytes = codes.rows * codes.cols + scale_bytes + zero_point_bytes(*this) + index_bytes,
          .held_bytes = scale_bytes + held_zero_points + index_bytes};
}

std::string ScaledCodes::stored_as() const {
  return fmt::format("{} {}{}", code_name(*this), block_text(*this),
                     zero_points == ZeroPoints::none ? "" : " asym");
}

std::unique_ptr<WeightSource> ScaledCodes::open(LayerFiles& files) const {
  return std::make_unique<ScaledWeights>(*this, files);
}

std::vector<Layer> ScaledCodes::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                     const ModelConfig& config) {
  const CodedTensor coded{tensor, headers, config.quantization};
  for (const auto find_layer : {find_fp4, find_packed, find_scaled_bytes}) {
    if (std::optional<Layer> layer = find_layer(coded)) return {*std::move(layer)};
  }
  return {};
}

}  // namespace alphahill
