#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/code_rows.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/partners.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t word_bytes = 4;
constexpr std::int64_t codes_of_bytes = 8;  // that begin and end with a byte, whatever their bits

/// A mode of floating-point codes, which the bits of a group tell.
struct FloatMode {
  CodeFormat codes;
  ScaleFormat scales;
  std::int32_t bits;
  std::int64_t group_size;
};
constexpr std::array<FloatMode, 3> float_modes{
    {{CodeFormat::f4_e2m1, ScaleFormat::f8_e8m0, 4, 32},    // mxfp4
     {CodeFormat::f8_e4m3, ScaleFormat::f8_e8m0, 8, 32},    // mxfp8
     {CodeFormat::f4_e2m1, ScaleFormat::f8_e4m3, 4, 16}}};  // nvfp4

class MlxWeights final : public WeightSource {
 public:
  MlxWeights(const MlxGroups& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        group_size_(stored.group_size),
        groups_(stored.scales.cols),
        codes_(files, in_bytes(stored.codes), CodeFormat::bit_string, stored.bits, 0),
        scales_(read_scales(files, stored.scales, stored.scale_format, stored.module + ".scales")),
        biases_(read_scales(files, stored.biases, stored.scale_format, stored.module + ".biases")) {}

  std::int64_t bytes_of_block(const Block& block) const override { return codes_.bytes_of_block(block); }

 private:
  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    codes_.read(block, bytes);
  }

  /// The products are exact, the sums rounded once.
  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    FormattedRows::Numbers numbers;
    const RowGroups groups{col % group_size_, group_size_};
    const auto first = static_cast<std::size_t>(row * groups_ + col / group_size_);
    multiply(codes_.decode(from, row, col, to.size(), numbers), groups, std::span(scales_).subspan(first),
             to);
    add(std::span(biases_).subspan(first), groups, to);
  }

  std::int64_t group_size_;
  std::int64_t groups_;  ///< of a row
  FormattedRows codes_;
  std::vector<float> scales_;
  std::vector<float> biases_;
};

/// What the shapes and config.json say of a module.
class MlxTensors {
 public:
  MlxTensors(const StoredTensor& codes, std::string_view module, const CheckpointHeaders& headers,
             const ModelConfig& config)
      : codes_(codes),
        headers_(headers),
        config_(config.quantization.groups_of(module)),
        module_(module),
        scales_(headers.find(module_ + ".scales")),
        biases_(headers.find(module_ + ".biases")) {}

  std::vector<Layer> layers() {
    const std::string why = misfit_of_all();
    const auto& shape = codes_.shape;
    if (!why.empty()) {
      return {unsupported_layer(codes_, module_, {shape.end()[-2], shape.back()}, "MLX: " + why)};
    }
    if (shape.size() == 2) return {layer(module_, 0)};
    std::vector<Layer> found;
    for (std::int64_t expert = 0; expert < shape[0]; ++expert) {
      found.push_back(layer(name_of_expert(expert), expert));
    }
    return found;
  }

 private:
  static constexpr std::string_view experts = ".switch_mlp.";
  static constexpr std::int64_t most_experts = 1 << 16;

  /// "mlp.switch_mlp.up_proj" holds the experts "mlp.experts.7.up_proj".
  std::string name_of_expert(std::int64_t expert) const {
    const std::size_t place = module_.find(experts);
    return fmt::format("{}.experts.{}.{}", module_.substr(0, place), expert,
                       module_.substr(place + experts.size()));
  }

  std::string misfit_of_all() {
    const auto& shape = codes_.shape;
    if (shape.size() == 3 && module_.find(experts) == std::string::npos) {
      return fmt::format("{}: expected a matrix, found {}", codes_.name, shown(codes_));
    }
    if (shape.size() == 3 && shape[0] > most_experts) return fmt::format("{} experts are too many", shape[0]);
    if (std::ranges::find(shape, 0) != shape.end()) return fmt::format("{} is empty", codes_.name);
    if (scales_ == nullptr) return fmt::format("{}.scales is missing", module_);
    std::string why = misfit_of_partners();
    if (why.empty()) why = biases_ == nullptr ? misfit_of_floats() : misfit_of_integers();
    return why;
  }

  std::string misfit_of_partners() {
    std::vector<std::int64_t> expected = codes_.shape;
    groups_ = scales_->shape.empty() ? 0 : scales_->shape.back();
    expected.back() = groups_;
    std::vector<std::string_view> dtypes{"F32", "F16", "BF16"};
    if (biases_ == nullptr) dtypes = {"U8"};
    std::vector<ExpectedTensor> partners{{module_ + ".scales", dtypes, expected}};
    if (biases_ != nullptr) partners.push_back({module_ + ".biases", {scales_->dtype}, expected});
    std::string why = misfit(headers_, partners);
    const std::int64_t bits = codes_.shape.back() * 8 * word_bytes;
    if (!why.empty() || (groups_ > 0 && bits % groups_ == 0)) return why;
    return fmt::format("{}.scales: {} groups do not fit {} words", module_, groups_, codes_.shape.back());
  }

  std::int64_t bits_of_group() const { return codes_.shape.back() * 8 * word_bytes / groups_; }

  std::string misfit_of_floats() {
    const auto* found = std::ranges::find(float_modes, bits_of_group(),
                                          [](const FloatMode& mode) { return mode.bits * mode.group_size; });
    if (found == float_modes.end()) {
      return fmt::format("{}.biases is missing, and groups of {} bits are not of mxfp4, mxfp8 or nvfp4",
                         module_, bits_of_group());
    }
    floats_ = *found;
    group_size_ = found->group_size;
    return {};
  }

  std::string misfit_of_integers() {
    constexpr std::array<std::int64_t, 6> known{2, 3, 4, 5, 6, 8};
    bits_ = config_.bits.value_or(0);
    if (std::ranges::find(known, bits_) == known.end()) {
      return fmt::format("expected 2, 3, 4, 5, 6 or 8 bits in config.json, found {}", bits_);
    }
    group_size_ = config_.group_size.value_or(bits_of_group() / bits_);
    const bool fits = bits_of_group() % bits_ == 0 && bits_of_group() / bits_ == group_size_;
    if (fits && group_size_ % codes_of_bytes == 0) return {};
    return fmt::format("{}: groups of {} bits are not {} weights of {} bits, as config.json says",
                       codes_.name, bits_of_group(), group_size_, bits_);
  }

  /// That expert's matrix of a tensor.
  static TensorSlice matrix(const StoredTensor& tensor, std::int64_t expert, std::int64_t value_bytes) {
    const std::int64_t rows = tensor.shape.end()[-2], cols = tensor.shape.back();
    return {.file = tensor.file,
            .offset = tensor.offset + expert * rows * cols * value_bytes,
            .rows = rows,
            .cols = cols,
            .row_stride = cols};
  }

  Layer layer(const std::string& name, std::int64_t expert) const {
    const std::int64_t rows = codes_.shape.end()[-2], cols = groups_ * group_size_;
    const TensorSlice codes = matrix(codes_, expert, word_bytes);
    if (biases_ == nullptr) {
      return make_layer(codes_, name,
                        ScaledCodes{.format = floats_.codes,
                                    .bits = floats_.bits,
                                    .rows = rows,
                                    .cols = cols,
                                    .codes = in_bytes(codes),
                                    .scales = {matrix(*scales_, expert, 1), floats_.scales, 1, group_size_},
                                    .scale_name = module_ + ".scales"});
    }
    const ElementFormat scale_format = format_of(scales_->dtype).value_or(ElementFormat::fp32);
    return make_layer(codes_, name,
                      MlxGroups{.module = module_,
                                .rows = rows,
                                .cols = cols,
                                .bits = bits_,
                                .group_size = group_size_,
                                .codes = codes,
                                .scales = matrix(*scales_, expert, bytes_of(scale_format)),
                                .biases = matrix(*biases_, expert, bytes_of(scale_format)),
                                .scale_format = scale_format});
  }

  const StoredTensor& codes_;
  const CheckpointHeaders& headers_;
  const IntegerGroups& config_;
  std::string module_;
  const StoredTensor* scales_;
  const StoredTensor* biases_;
  std::int64_t groups_ = 0;
  FloatMode floats_{};     ///< of codes without biases
  std::int64_t bits_ = 0;  ///< of integers
  std::int64_t group_size_ = 0;
};

}  // namespace

std::vector<Layer> MlxGroups::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                   const ModelConfig& config) {
  if (tensor.dtype != "U32" || tensor.shape.size() < 2 || tensor.shape.size() > 3) return {};
  const auto module = without_ending(tensor.name, ".weight");
  if (!module) return {};
  return MlxTensors(tensor, *module, headers, config).layers();
}

WeightShape MlxGroups::shape() const {
  return {.rows = rows,
          .cols = cols,
          .values = ElementFormat::fp64,
          .code_bits = bits,
          .stored_bytes = rows * (codes.cols * word_bytes + scales.cols * 2 * bytes_of(scale_format)),
          .held_bytes = scales.rows * scales.cols * 8};
}

std::string MlxGroups::stored_as() const {
  return fmt::format("int{} g{} affine", bits, group_size);
}

std::unique_ptr<WeightSource> MlxGroups::open(LayerFiles& files) const {
  return std::make_unique<MlxWeights>(*this, files);
}

}  // namespace alphahill
