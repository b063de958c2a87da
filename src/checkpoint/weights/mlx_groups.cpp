#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "alphahill/base/vector_level.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/bit_string.hpp"
#include "checkpoint/weights/decoded_block.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/partners.hpp"

namespace alphahill {

namespace {

using Mode = MlxGroups::Mode;

constexpr std::int64_t word_bits = 32;
constexpr std::int64_t word_bytes = 4;
/// Codes that begin and end with a byte, whatever their bits.
constexpr std::int64_t codes_of_bytes = 8;

/// A mode of floating-point codes, which the bits of a group tell.
struct FloatMode {
  Mode mode;
  std::string_view name;
  std::int64_t bits;
  std::int64_t group_size;
};
constexpr std::array<FloatMode, 3> float_modes{
    {{Mode::mxfp4, "mxfp4", 4, 32}, {Mode::mxfp8, "mxfp8", 8, 32}, {Mode::nvfp4, "nvfp4", 4, 16}}};

/// The number of each code.
std::vector<float> numbers_of(Mode mode) {
  std::vector<float> numbers(mode == Mode::mxfp8 ? 256 : 16);
  for (std::uint32_t code = 0; code < numbers.size(); ++code) {
    numbers[code] =
        mode == Mode::mxfp8 ? decode_f8_e4m3(static_cast<std::uint8_t>(code)) : decode_f4_e2m1(code);
  }
  return numbers;
}

/// The scales of floating-point codes, which are codes themselves.
std::vector<float> read_coded_scales(LayerFiles& files, const TensorSlice& slice, Mode mode,
                                     const std::string& tensor) {
  const auto codes = read_values<std::uint8_t>(files, slice);
  std::vector<float> scales(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    scales[i] = mode == Mode::nvfp4 ? decode_f8_e4m3(codes[i]) : static_cast<float>(decode_f8_e8m0(codes[i]));
    if (std::isnan(scales[i])) refuse_values(tensor, fmt::format("value {} is NaN", i));
  }
  require_not_negative(scales, tensor);
  return scales;
}

class MlxWeights final : public WeightSource {
 public:
  MlxWeights(const MlxGroups& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        bits_(stored.bits),
        group_size_(stored.group_size),
        groups_(stored.scales.cols),
        codes_(files, in_bytes(stored.codes), 1) {
    const std::string scales = stored.module + ".scales";
    if (stored.mode == Mode::affine) {
      scales_ = read_scales(files, stored.scales, stored.scale_format, scales);
      biases_ = read_scales(files, stored.biases, stored.scale_format, stored.module + ".biases");
    } else {
      scales_ = read_coded_scales(files, stored.scales, stored.mode, scales);
      numbers_ = numbers_of(stored.mode);
    }
  }

  void read(const Block& block, std::span<std::byte> bytes) const override {
    decode_block(shape(), block, bytes, [&](const Block& part, auto* to) { decode(part, to); });
  }

 private:
  static TensorSlice in_bytes(TensorSlice words) {
    words.cols *= word_bytes;
    words.row_stride *= word_bytes;
    return words;
  }

  template <class Value>
  void decode(const Block& part, Value* to) const {
    const std::int64_t begin = part.col / codes_of_bytes * codes_of_bytes;
    const std::int64_t end = (part.col + part.cols + codes_of_bytes - 1) / codes_of_bytes * codes_of_bytes;
    const std::int64_t row_bytes = (end - begin) / codes_of_bytes * bits_;
    std::vector<std::byte> packed(static_cast<std::size_t>(part.rows * row_bytes));
    codes_.read({part.row, part.rows, begin / codes_of_bytes * bits_, row_bytes}, packed);
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(end - begin));
    for (std::int64_t i = 0; i < part.rows; ++i) {
      unpack(std::span(packed).subspan(static_cast<std::size_t>(i * row_bytes),
                                       static_cast<std::size_t>(row_bytes)),
             bits_, codes);
      decode_row({part.row + i, 1, part.col, part.cols}, codes.data() + (part.col - begin),
                 to + i * part.cols);
    }
  }

  template <class Value>
  void decode_row(const Block& row, const std::uint8_t* codes, Value* to) const {
    for (std::int64_t col = row.col, end = 0; col < row.col + row.cols; col = end) {
      const std::int64_t group = col / group_size_;
      end = std::min((group + 1) * group_size_, row.col + row.cols);
      decode_group(codes + (col - row.col), static_cast<std::size_t>(row.row * groups_ + group),
                   to + (col - row.col), end - col);
    }
  }

  /// The products are exact, the sums rounded once.
  void decode_group(const std::uint8_t* codes, std::size_t group, double* to, std::int64_t count) const {
    vectorised([codes, to, count, scale = double{scales_[group]}, bias = double{biases_[group]}]()
                   ALPHAHILL_INLINE {
                     for (std::int64_t i = 0; i < count; ++i) {
                       to[i] = static_cast<double>(codes[i]) * scale + bias;
                     }
                   });
  }
  void decode_group(const std::uint8_t* codes, std::size_t group, float* to, std::int64_t count) const {
    const float scale = scales_[group];
    const float* numbers = numbers_.data();
    for (std::int64_t i = 0; i < count; ++i) to[i] = numbers[codes[i]] * scale;
  }

  std::int64_t bits_;
  std::int64_t group_size_;
  std::int64_t groups_;  ///< of a row
  SliceReader codes_;
  std::vector<float> scales_;
  std::vector<float> biases_;
  std::vector<float> numbers_;  ///< of floating-point codes
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
    const std::int64_t bits = codes_.shape.back() * word_bits;
    if (!why.empty() || (groups_ > 0 && bits % groups_ == 0)) return why;
    return fmt::format("{}.scales: {} groups do not fit {} words", module_, groups_, codes_.shape.back());
  }

  std::int64_t bits_of_group() const { return codes_.shape.back() * word_bits / groups_; }

  std::string misfit_of_floats() {
    const auto* found = std::ranges::find(float_modes, bits_of_group(),
                                          [](const FloatMode& mode) { return mode.bits * mode.group_size; });
    if (found == float_modes.end()) {
      return fmt::format("{}.biases is missing, and groups of {} bits are not of mxfp4, mxfp8 or nvfp4",
                         module_, bits_of_group());
    }
    mode_ = found->mode;
    bits_ = found->bits;
    group_size_ = found->group_size;
    return {};
  }

  std::string misfit_of_integers() {
    constexpr std::array<std::int64_t, 6> known{2, 3, 4, 5, 6, 8};
    bits_ = config_.bits.value_or(0);
    group_size_ = config_.group_size.value_or(0);
    if (std::ranges::find(known, bits_) == known.end()) {
      return fmt::format("expected 2, 3, 4, 5, 6 or 8 bits in config.json, found {}", bits_);
    }
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
    const ElementFormat scale_format = format_of(scales_->dtype).value_or(ElementFormat::fp32);
    const std::int64_t scale_bytes = mode_ == Mode::affine ? bytes_of(scale_format) : 1;
    Layer layer = make_layer(codes_, name, rows, cols);
    layer.layout =
        MlxGroups{.mode = mode_,
                  .module = module_,
                  .rows = rows,
                  .cols = cols,
                  .bits = bits_,
                  .group_size = group_size_,
                  .codes = matrix(codes_, expert, word_bytes),
                  .scales = matrix(*scales_, expert, scale_bytes),
                  .biases = biases_ == nullptr ? TensorSlice{} : matrix(*biases_, expert, scale_bytes),
                  .scale_format = scale_format};
    return layer;
  }

  const StoredTensor& codes_;
  const CheckpointHeaders& headers_;
  const IntegerGroups& config_;
  std::string module_;
  const StoredTensor* scales_;
  const StoredTensor* biases_;
  std::int64_t groups_ = 0;
  Mode mode_ = Mode::affine;
  std::int64_t bits_ = 0;
  std::int64_t group_size_ = 0;
};

}  // namespace

std::vector<Layer> MlxGroups::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                   const ModelConfig& config) {
  if (tensor.dtype != "U32" || tensor.shape.size() < 2 || tensor.shape.size() > 3) return {};
  const auto module = without_ending(tensor.name, ".weight");
  if (!module || headers.find(std::string(*module) + ".scales") == nullptr) return {};
  return MlxTensors(tensor, *module, headers, config).layers();
}

WeightShape MlxGroups::shape() const {
  const bool affine = mode == Mode::affine;
  const std::int64_t scale_bytes = affine ? 2 * bytes_of(scale_format) : 1;
  return {.rows = rows,
          .cols = cols,
          .values = affine ? ElementFormat::fp64 : ElementFormat::fp32,
          .stored_bytes = rows * (codes.cols * word_bytes + scales.cols * scale_bytes),
          .held_bytes = scales.rows * scales.cols * (affine ? 8 : 4)};
}

std::string MlxGroups::stored_as() const {
  if (mode == Mode::affine) return fmt::format("int{} g{} affine", bits, group_size);
  const auto* found = std::ranges::find(float_modes, mode, &FloatMode::mode);
  return fmt::format("{} g{}", found->name, group_size);
}

std::unique_ptr<WeightSource> MlxGroups::open(LayerFiles& files) const {
  return std::make_unique<MlxWeights>(*this, files);
}

}  // namespace alphahill
