#include <fmt/format.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/code_rows.hpp"
#include "checkpoint/weights/partner_tensors.hpp"

namespace alphahill {

namespace {

constexpr double largest_code = 127;

class BitsAndBytes8Weights final : public WeightSource {
 public:
  BitsAndBytes8Weights(const BitsAndBytes8& stored, LayerFiles& files)
      : WeightSource(stored.shape()), codes_(files, stored.codes, CodeFormat::int8, 8, 0) {
    if (stored.has_format) {
      const std::uint8_t format = read_values<std::uint8_t>(files, stored.format).front();
      if (format != 0) {
        refuse_values(stored.module + ".weight_format", fmt::format("expected 0 (row), found {}", format));
      }
    }
    const std::string name = stored.module + ".SCB";
    scales_ = read_scales(files, stored.scales, ElementFormat::fp32, name);
    require_not_negative(scales_, name);
  }

  std::int64_t bytes_of_block(const Block& block) const override { return codes_.bytes_of_block(block); }

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    codes_.read(block, bytes);
  }

  /// Code * scale is exact in fp64, the quotient is rounded once.
  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    FormattedRows::Numbers numbers;
    const std::span<const float> scale(&scales_[static_cast<std::size_t>(row)], 1);
    multiply(codes_.decode(from, row, col, to.size(), numbers), {0, std::ssize(to)}, scale, to);
    divide(largest_code, to);
  }

  FormattedRows codes_;
  std::vector<float> scales_;
};

}  // namespace

std::vector<Layer> BitsAndBytes8::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                       const ModelConfig& config) {
  const auto name = without_ending(tensor.name, ".weight");
  if (!name || tensor.dtype != "I8" || tensor.shape.size() != 2) return {};
  const std::string module(*name);
  const StoredTensor* scales = headers.find(module + ".SCB");
  const StoredTensor* format = headers.find(module + ".weight_format");
  const bool of_this_library =
      scales != nullptr || format != nullptr || config.quantization_method == "bitsandbytes";
  if (!of_this_library) return {};
  std::vector<ExpectedTensor> expected{{module + ".SCB", {"F32"}, {tensor.shape[0]}}};
  if (format != nullptr) expected.push_back({module + ".weight_format", {"U8"}, {}});
  const std::string why = misfit(headers, expected);
  if (!why.empty()) {
    return {unsupported_layer(tensor, module, {tensor.shape[0], tensor.shape[1]}, "bitsandbytes: " + why)};
  }
  return {make_layer(tensor, module,
                     BitsAndBytes8{.module = module,
                                   .codes = whole_tensor(tensor),
                                   .scales = whole_tensor(*scales),
                                   .has_format = format != nullptr,
                                   .format = format == nullptr ? TensorSlice{} : whole_tensor(*format)})};
}

WeightShape BitsAndBytes8::shape() const {
  return {.rows = codes.rows,
          .cols = codes.cols,
          .values = ElementFormat::fp64,
          .code_bits = 8,
          .stored_bytes = codes.rows * codes.cols + codes.rows * 4 + (has_format ? 1 : 0),
          .held_bytes = codes.rows * 4};
}

std::string BitsAndBytes8::stored_as() const {
  return "int8 channel sym";
}

std::unique_ptr<WeightSource> BitsAndBytes8::open(LayerFiles& files) const {
  return std::make_unique<BitsAndBytes8Weights>(*this, files);
}

}  // namespace alphahill
