#include "checkpoint/weights/grouped_integers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/vector_level.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/partner_tensors.hpp"

namespace alphahill {

namespace {

/// The group of each row.
std::vector<std::int32_t> groups_of_rows(const GroupedIntegers& stored, LayerFiles& files) {
  if (stored.has_group_indices) {
    auto groups = read_values<std::int32_t>(files, stored.group_indices);
    const auto wrong = std::ranges::find_if(
        groups, [&](std::int32_t group) { return group < 0 || group >= stored.scales.rows; });
    if (wrong == groups.end()) return groups;
    refuse_values(stored.module + ".g_idx",
                  fmt::format("expected groups from 0 to {}, found {}", stored.scales.rows - 1, *wrong));
  }
  std::vector<std::int32_t> groups(static_cast<std::size_t>(stored.rows));
  for (std::size_t row = 0; row < groups.size(); ++row) {
    groups[row] = static_cast<std::int32_t>(static_cast<std::int64_t>(row) / stored.group_size);
  }
  return groups;
}

/// Only symmetric codes, whose zero point is their middle, have negative scales (auto-round writes such).
void check_signs(const GroupedIntegers& stored, std::span<const float> scales,
                 std::span<const std::uint8_t> zero_points) {
  const int middle = 1 << (stored.bits - 1);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (scales[i] >= 0 || zero_points[i] == middle) continue;
    refuse_values(stored.module + ".scales", fmt::format("value {} is negative: {}", i, scales[i]));
  }
}

void decode_row(const std::uint8_t* codes, const std::uint8_t* zero_points, const float* scales,
                std::span<double> to) {
  vectorised([=, first = to.data(), count = to.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) {
      first[i] = static_cast<double>(int{codes[i]} - int{zero_points[i]}) * double{scales[i]};
    }
  });
}

class GroupedIntegersWeights final : public WeightSource {
 public:
  GroupedIntegersWeights(const GroupedIntegers& stored, LayerFiles& files)
      : WeightSource(stored.shape()), groups_(groups_of_rows(stored, files)) {
    const bool by_gptq = stored.packing == GroupedIntegers::Packing::gptq;
    codes_ = by_gptq ? gptq_codes(stored, files) : awq_codes(stored, files);
    zero_points_ = by_gptq ? gptq_zero_points(stored, files) : awq_zero_points(stored, files);
    scales_ = read_scales(files, stored.scales, stored.scale_format, stored.module + ".scales");
    check_signs(stored, scales_, zero_points_);
  }

  std::int64_t bytes_of_block(const Block& block) const override { return codes_->bytes_of_block(block); }

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    codes_->read(block, bytes);
  }

  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    std::array<std::uint8_t, most_decoded> codes;
    codes_->unpack(from, row, col, std::span(codes).first(to.size()));
    const std::int64_t group = groups_[static_cast<std::size_t>(row)];
    const auto first = static_cast<std::size_t>(group * cols() + col);
    decode_row(codes.data(), &zero_points_[first], &scales_[first], to);
  }

  std::vector<std::int32_t> groups_;
  std::unique_ptr<CodeReader> codes_;
  std::vector<std::uint8_t> zero_points_;  ///< [groups, out]
  std::vector<float> scales_;              ///< [groups, out]
};

}  // namespace

std::int64_t group_size_of(std::int64_t in, std::int64_t groups, std::optional<std::int64_t> named) {
  if (groups == 1) return in;
  const bool fits = named.value_or(0) > 0 && divide_rounding_up(in, *named) == groups;
  return fits ? *named : 0;
}

std::string misfit_of_group_size(std::string_view module, std::int64_t in, std::int64_t groups,
                                 std::optional<std::int64_t> named) {
  const std::string size = named ? fmt::format("group_size {}", *named) : "no group_size";
  return fmt::format("{}.scales: {} groups do not fit {} inputs with {}, as config.json has it", module,
                     groups, in, size);
}

std::vector<Layer> GroupedIntegers::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                         const ModelConfig& config) {
  const auto module = without_ending(tensor.name, ".qweight");
  if (!module || tensor.shape.size() != 2) return {};
  const StoredTensor* scales = headers.find(std::string(*module) + ".scales");
  const bool one_scale_a_word =
      scales != nullptr && scales->shape.size() == 2 && scales->shape[1] == tensor.shape[1];
  const bool is_awq = config.quantization_method == "awq" || (scales != nullptr && !one_scale_a_word);
  return {is_awq ? awq_layer(tensor, *module, headers, config)
                 : gptq_layer(tensor, *module, headers, config)};
}

WeightShape GroupedIntegers::shape() const {
  constexpr std::int64_t word_bytes = 4;
  const std::int64_t words =
      codes.rows * codes.cols + zero_points.rows * zero_points.cols + group_indices.rows * group_indices.cols;
  // 9 bits of a difference of codes times those of the scale: fp32 holds all products but those with fp32.
  const bool exact_in_fp32 = scale_format != ElementFormat::fp32;
  return {.rows = rows,
          .cols = cols,
          .values = exact_in_fp32 ? ElementFormat::fp32 : ElementFormat::fp64,
          .code_bits = bits,
          .stored_bytes = words * word_bytes + scales.rows * scales.cols * bytes_of(scale_format),
          .transposed = true,
          .held_bytes = scales.rows * scales.cols * 5 + rows * 4};
}

std::string GroupedIntegers::stored_as() const {
  const std::string group = scales.rows == 1 ? "channel" : fmt::format("g{}", group_size);
  return fmt::format("int{} {}{}{}", bits, group, symmetry.empty() ? "" : " ", symmetry);
}

std::unique_ptr<WeightSource> GroupedIntegers::open(LayerFiles& files) const {
  return std::make_unique<GroupedIntegersWeights>(*this, files);
}

}  // namespace alphahill
