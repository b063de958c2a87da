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
#include "alphahill/base/vector_level.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/weights/code_rows.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scales.hpp"

namespace alphahill {

namespace {

using TensorScale = ScaledCodes::TensorScale;

/// The group of each column. @throws Error(internal) for an index that is none
std::vector<std::int32_t> read_group_indices(LayerFiles& files, const ScaledCodes& stored) {
  auto groups = read_values<std::int32_t>(files, stored.group_indices);
  if (std::ranges::find(groups, -1) != groups.end()) return {};  // compressed-tensors: in order
  const auto wrong = std::ranges::find_if(
      groups, [&](std::int32_t group) { return group < 0 || group >= stored.scales.values.cols; });
  if (wrong == groups.end()) return groups;
  throw Error(Fault::internal, stored.group_index_name,
              fmt::format("expected groups from 0 to {}, found {} at {}", stored.scales.values.cols - 1,
                          *wrong, wrong - groups.begin()));
}

/// Of unsigned integers without zero points, half of the range stands for 0.
int zero_of(const ScaledCodes& stored) {
  return stored.zero_points == ScaledCodes::ZeroPoints::none ? 1 << (stored.bits - 1) : 0;
}

class ScaledWeights final : public WeightSource {
 public:
  ScaledWeights(const ScaledCodes& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        block_rows_(stored.scales.block_rows),
        block_cols_(stored.scales.block_cols),
        codes_(files, stored.codes, stored.format, stored.bits, zero_of(stored)),
        scales_(files, stored.scales, stored.scale_name) {
    const double tensor_scale = read_tensor_scale(files, stored);
    if (stored.tensor_scale == TensorScale::factor) factor_ = tensor_scale;
    if (stored.tensor_scale == TensorScale::divisor) divisor_ = tensor_scale;
    if (stored.zero_points != ScaledCodes::ZeroPoints::none) zero_points_.emplace(files, stored);
    if (!stored.group_index_name.empty()) group_indices_ = read_group_indices(files, stored);
    if (!group_indices_.empty()) decode_all_scales(stored.scales.values.rows);
  }

  std::int64_t bytes_of_block(const Block& block) const override { return codes_.bytes_of_block(block); }

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    codes_.read(block, bytes);
  }

  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    FormattedRows::Numbers of_units;
    const std::span<float> numbers = codes_.decode(from, row, col, to.size(), of_units);
    if (group_indices_.empty()) {
      multiply_by_groups(numbers, row / block_rows_, col, to);
    } else {
      multiply_by_indices(numbers, row / block_rows_, col, to);
    }
    if (divisor_ != 1) divide(divisor_, to);
  }

  /// @param numbers  overwritten
  void multiply_by_groups(std::span<float> numbers, std::int64_t row_of_blocks, std::int64_t col,
                          std::span<double> to) const {
    const RowGroups groups{col % block_cols_, block_cols_};
    const std::int64_t first = col / block_cols_;
    const auto touched = static_cast<std::size_t>((col + std::ssize(to) - 1) / block_cols_ + 1 - first);
    std::array<float, most_decoded> of_groups;
    const std::span<float> stored = std::span(of_groups).first(touched);
    if (zero_points_) {
      zero_points_->decode(row_of_blocks, first, stored);
      subtract(stored, groups, numbers);
    }
    scales_.decode(row_of_blocks, first, stored);
    if (factor_ == 1) return multiply(numbers, groups, stored, to);
    std::array<double, most_decoded> scales;
    for (std::size_t g = 0; g < touched; ++g) scales[g] = double{stored[g]} * factor_;
    multiply(numbers, groups, std::span(scales).first(touched), to);
  }

  /// In a row any weight may have any group.
  void decode_all_scales(std::int64_t rows_of_blocks) {
    const std::size_t in_row = scales_.in_row();
    all_scales_.resize(static_cast<std::size_t>(rows_of_blocks) * in_row);
    all_zero_points_.resize(all_scales_.size());
    for (std::int64_t row = 0; row < rows_of_blocks; ++row) {
      const std::size_t first = static_cast<std::size_t>(row) * in_row;
      scales_.decode(row, 0, std::span(all_scales_).subspan(first, in_row));
      if (zero_points_) zero_points_->decode(row, 0, std::span(all_zero_points_).subspan(first, in_row));
    }
  }

  void multiply_by_indices(std::span<const float> numbers, std::int64_t row_of_blocks, std::int64_t col,
                           std::span<double> to) const {
    const std::size_t first = static_cast<std::size_t>(row_of_blocks) * scales_.in_row();
    vectorised([code = numbers.data(), group = group_indices_.data() + col, zero = &all_zero_points_[first],
                scale = &all_scales_[first], of_all = factor_, value = to.data(), count = to.size()]()
                   ALPHAHILL_INLINE {
                     for (std::size_t k = 0; k < count; ++k) {
                       value[k] = double{code[k] - zero[group[k]]} * (double{scale[group[k]]} * of_all);
                     }
                   });
  }

  std::int64_t block_rows_;
  std::int64_t block_cols_;
  FormattedRows codes_;
  Scales scales_;
  double factor_ = 1;  ///< of all scales
  double divisor_ = 1;
  std::optional<ZeroPoints> zero_points_;
  std::vector<std::int32_t> group_indices_;  ///< empty where columns have their groups in order
  std::vector<float> all_scales_;            ///< where they have not
  std::vector<float> all_zero_points_;       ///< likewise; 0 where there are none
};

/// Weights of W that share a scale.
Features block_of(const ScaledCodes& stored) {
  const ScaleGrid& scales = stored.scales;
  return stored.transposed ? Features{scales.block_cols, scales.block_rows}
                           : Features{scales.block_rows, scales.block_cols};
}

std::string_view code_name(const ScaledCodes& stored) {
  const bool power_of_two = stored.scales.format == ScaleFormat::f8_e8m0 && block_of(stored).out == 1;
  switch (stored.format) {
    case CodeFormat::f8_e4m3:
      return power_of_two ? "mxfp8" : "F8_E4M3";
    case CodeFormat::f4_e2m1:
    case CodeFormat::f4_e2m1_in_columns:
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
  const Features block = block_of(stored);
  const TensorSlice& scales = stored.scales.values;
  if (block.out > 1 && scales.rows * scales.cols <= 1) return "per tensor";
  if (block.out > 1) return fmt::format("block {}x{}", block.out, block.in);
  return block.in >= (stored.transposed ? stored.rows : stored.cols) ? "per row"
                                                                     : fmt::format("g{}", block.in);
}

std::int64_t bytes_of_slice(const TensorSlice& slice, std::int64_t value_bytes) {
  return slice.rows * slice.cols * value_bytes;
}

/// X of X.weight or X.weight_packed.
std::string module_of(const StoredTensor& tensor) {
  return tensor.name.substr(0, tensor.name.rfind('.'));
}

std::int64_t zero_point_bytes(const ScaledCodes& stored) {
  const bool packed = stored.zero_points != ScaledCodes::ZeroPoints::int8;
  return bytes_of_slice(stored.zero_point_values, packed ? sizeof(std::uint32_t) : 1);
}

}  // namespace

void add_group_indices(const CheckpointHeaders& headers, const std::string& stem, ScaledCodes& stored) {
  const StoredTensor* indices = headers.find(stem + "weight_g_idx");
  if (indices == nullptr) return;
  const TensorSlice values = as_matrix(*indices);
  if (indices->dtype != "I32" || values.cols != 1 || values.rows != stored.cols) {
    throw_misfit(*indices, fmt::format("I32 [{}]", stored.cols));
  }
  stored.group_index_name = indices->name;
  stored.group_indices = values;
}

WeightShape ScaledCodes::shape() const {
  const std::int64_t scale_bytes = bytes_of_slice(scales.values, bytes_of(scales.format));
  const std::int64_t index_bytes = bytes_of_slice(group_indices, sizeof(std::int32_t));
  const std::int64_t held_zero_points =
      zero_points == ZeroPoints::none ? 0 : bytes_of_slice(scales.values, sizeof(std::int16_t));
  const std::int64_t decoded_bytes =
      group_index_name.empty() ? 0 : bytes_of_slice(scales.values, 2 * sizeof(float));
  const std::int64_t read_bytes = codes.rows * codes.cols * codes.col_stride;  // with what lies between them
  // Codes less zero points have up to 9 significant bits, scales but those in F32 up to 11: fp32 holds the product.
  const bool exact_in_fp32 = scales.format != ScaleFormat::f32 && tensor_scale == TensorScale::none;
  return {.rows = rows,
          .cols = cols,
          .values = exact_in_fp32 ? ElementFormat::fp32 : ElementFormat::fp64,
          .code_bits = bits,
          .stored_bytes = read_bytes + scale_bytes + zero_point_bytes(*this) + index_bytes,
          .transposed = transposed,
          .held_bytes = scale_bytes + held_zero_points + index_bytes + decoded_bytes};
}

std::string ScaledCodes::stored_as() const {
  return fmt::format("{} {}{}{}", code_name(*this), block_text(*this),
                     zero_points == ZeroPoints::none ? "" : " asym",
                     inputs_are_scaled ? " (inputs scaled)" : "");
}

std::unique_ptr<WeightSource> ScaledCodes::open(LayerFiles& files) const {
  return std::make_unique<ScaledWeights>(*this, files);
}

std::vector<Layer> ScaledCodes::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                     const ModelConfig& config) {
  const CodedTensor coded{tensor, headers, config.quantization};
  for (const auto find_layer : {find_fp4, find_packed, find_scaled_bytes}) {
    std::optional<Layer> layer = find_layer(coded);
    if (!layer) continue;
    if (auto* stored = std::get_if<ScaledCodes>(&layer->layout)) {
      stored->inputs_are_scaled = headers.find(module_of(tensor) + ".pre_quant_scale") != nullptr;
    }
    return {*std::move(layer)};
  }
  return find_coded_experts(tensor, headers, config);
}

}  // namespace alphahill
