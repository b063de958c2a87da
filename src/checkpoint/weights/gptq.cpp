/// GPTQ: X.qweight, X.qzeros and X.scales, with X.g_idx the group of each input.
///
/// Version 1 stores zero points less one; gptqmodel keeps what overflows by that within the bits of a code, as is
/// done here.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/vector_level.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/grouped_integers.hpp"
#include "checkpoint/weights/partner_tensors.hpp"
#include "checkpoint/weights/scales.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t word_bits = 32;

/// Why the packing that config.json names is not read; empty where it is.
std::string unknown_gptq_packing(const ModelConfig& config) {
  const std::string& method = config.quantization_method;
  const QuantizationConfig& named = config.quantization;
  if (method == "auto-round") {
    return named.packing_format.empty() || named.packing_format.ends_with("auto_gptq")
               ? ""
               : fmt::format("packing_format '{}' is not read", named.packing_format);
  }
  if (!method.empty() && method != "gptq" && method != "an unknown method") {
    return fmt::format("quant_method '{}' is not known to store qweight so", method);
  }
  const std::string& format = named.checkpoint_format;
  if (format.empty() || format == "gptq" || format == "gptq_v2") return {};
  return fmt::format("checkpoint_format '{}' is not read", format);
}

class GptqTensors {
 public:
  GptqTensors(const StoredTensor& codes, std::string_view module, const CheckpointHeaders& headers,
              const ModelConfig& config)
      : codes_(codes), headers_(headers), config_(config), module_(module) {
    const StoredTensor* indices = headers.find(module_ + ".g_idx");
    has_indices_ = indices != nullptr;
    const bool are_list = has_indices_ && indices->shape.size() == 1;
    in_ = are_list ? indices->shape[0] : 0;
  }

  Layer layer() {
    const std::string why = misfit_of_all();
    const Features features{codes_.shape[1], in_ > 0 ? in_ : codes_.shape[0]};
    if (!why.empty()) return unsupported_layer(codes_, module_, features, "GPTQ: " + why);
    return make_layer(codes_, module_, layout());
  }

 private:
  std::string misfit_of_all() {
    std::string why = unknown_gptq_packing(config_);
    if (why.empty()) why = misfit_of_codes();
    if (why.empty()) why = misfit_of_groups();
    return why;
  }

  std::string misfit_of_codes() {
    if (codes_.dtype != "I32") return fmt::format("{}: expected I32, found {}", codes_.name, codes_.dtype);
    if (codes_.shape[0] == 0 || codes_.shape[1] == 0) return fmt::format("{} is empty", codes_.name);
    constexpr std::array<std::int64_t, 4> known{2, 3, 4, 8};
    const std::int64_t bits_of_column = codes_.shape[0] * word_bits;
    bits_ = in_ > 0 ? bits_of_column / in_ : config_.quantization.groups.bits.value_or(0);
    if (std::ranges::find(known, bits_) == known.end()) {
      return fmt::format("{}: expected 2, 3, 4 or 8 bits, found {}", codes_.name, bits_);
    }
    if (in_ == 0) in_ = bits_of_column / bits_;
    if (in_ * bits_ == bits_of_column) return {};
    return fmt::format("{}: {} inputs of {} bits do not fill {} words", codes_.name, in_, bits_,
                       codes_.shape[0]);
  }

  std::string misfit_of_groups() {
    const StoredTensor* scales = headers_.find(module_ + ".scales");
    const std::int64_t out = codes_.shape[1];
    groups_ = scales == nullptr || scales->shape.empty() ? 1 : scales->shape[0];
    std::vector<ExpectedTensor> expected{
        {module_ + ".scales", {"F16", "BF16", "F32"}, {groups_, out}},
        {module_ + ".qzeros", {"I32"}, {groups_, (out * bits_ + word_bits - 1) / word_bits}}};
    if (has_indices_) expected.push_back({module_ + ".g_idx", {"I32"}, {in_}});
    std::string why = misfit(headers_, expected);
    if (!why.empty()) return why;
    const std::optional<std::int64_t> named = config_.quantization.groups.group_size;
    group_size_ = group_size_of(in_, groups_, named);
    if (group_size_ == 0 && groups_ > 0 && has_indices_) group_size_ = divide_rounding_up(in_, groups_);
    return group_size_ > 0 ? "" : misfit_of_group_size(module_, in_, groups_, named);
  }

  GroupedIntegers layout() const {
    const StoredTensor& scales = *headers_.find(module_ + ".scales");
    const bool first_version = config_.quantization.checkpoint_format != "gptq_v2";
    const std::optional<bool> symmetric = config_.quantization.symmetric;
    GroupedIntegers found{.packing = GroupedIntegers::Packing::gptq,
                          .module = module_,
                          .rows = in_,
                          .cols = codes_.shape[1],
                          .bits = bits_,
                          .group_size = group_size_,
                          .zero_offset = first_version ? 1 : 0,
                          .symmetry = !symmetric   ? ""
                                      : *symmetric ? "sym"
                                                   : "asym",
                          .codes = whole_tensor(codes_),
                          .zero_points = whole_tensor(*headers_.find(module_ + ".qzeros")),
                          .scales = whole_tensor(scales),
                          .scale_format = *format_of(scales.dtype),
                          .has_group_indices = has_indices_};
    if (has_indices_) found.group_indices = whole_tensor(*headers_.find(module_ + ".g_idx"));
    return found;
  }

  const StoredTensor& codes_;
  const CheckpointHeaders& headers_;
  const ModelConfig& config_;
  std::string module_;
  bool has_indices_;
  std::int64_t in_;  ///< 0: not known yet
  std::int64_t bits_ = 0;
  std::int64_t groups_ = 0;
  std::int64_t group_size_ = 0;  ///< where indices tell the groups, their mean size
};

/// One code of each column: at `bit` of a word, and going on in the next where that does not hold all of it.
void unpack_row(const std::uint32_t* words, const std::uint32_t* next, unsigned bit, unsigned bits,
                std::span<std::uint8_t> codes) {
  vectorised([words, next, bit, rest = (32 - bit) % 32, mask = (1U << bits) - 1, to = codes.data(),
              count = codes.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = static_cast<std::uint8_t>((words[i] >> bit | next[i] << rest) & mask);
    }
  });
}

class GptqCodes final : public CodeReader {
 public:
  GptqCodes(const GroupedIntegers& stored, LayerFiles& files)
      : bits_(stored.bits), words_(files, stored.codes, sizeof(std::uint32_t)) {}

  std::int64_t bytes_of_block(const Block& block) const override {
    const Block words = words_of(block);
    return words.rows * words.cols * std::int64_t{sizeof(std::uint32_t)};
  }
  void read(const Block& block, std::span<std::byte> bytes) const override {
    words_.read(words_of(block), bytes);
  }
  void unpack(const StoredBlock& from, std::int64_t row, std::int64_t col,
              std::span<std::uint8_t> codes) const override {
    const Block stored = words_of(from.block);
    const auto* words = reinterpret_cast<const std::uint32_t*>(from.bytes.data());
    const std::int64_t bit = row * bits_ % word_bits;
    words += (row * bits_ / word_bits - stored.row) * stored.cols + col - stored.col;
    const bool goes_on = bit + bits_ > word_bits;
    unpack_row(words, goes_on ? words + stored.cols : words, static_cast<unsigned>(bit),
               static_cast<unsigned>(bits_), codes);
  }

 private:
  Block words_of(const Block& block) const {
    const std::int64_t first = block.row * bits_ / word_bits;
    const std::int64_t end = divide_rounding_up((block.row + block.rows) * bits_, word_bits);
    return {first, end - first, block.col, block.cols};
  }

  std::int64_t bits_;
  SliceReader words_;
};

}  // namespace

Layer gptq_layer(const StoredTensor& tensor, std::string_view module, const CheckpointHeaders& headers,
                 const ModelConfig& config) {
  return GptqTensors(tensor, module, headers, config).layer();
}

std::unique_ptr<CodeReader> gptq_codes(const GroupedIntegers& stored, LayerFiles& files) {
  return std::make_unique<GptqCodes>(stored, files);
}

std::vector<std::uint8_t> gptq_zero_points(const GroupedIntegers& stored, LayerFiles& files) {
  const auto packed = read_values<std::uint32_t>(files, stored.zero_points);
  const auto row_words = static_cast<std::size_t>(stored.zero_points.cols);
  const std::int64_t mask = (1 << stored.bits) - 1;
  std::vector<std::uint8_t> zero_points;
  for (std::int64_t group = 0; group < stored.scales.rows; ++group) {
    const auto row = std::span(packed).subspan(static_cast<std::size_t>(group) * row_words, row_words);
    for (std::int64_t col = 0; col < stored.cols; ++col) {
      const std::int64_t zero = packed_integer(row, col * stored.bits, stored.bits) + stored.zero_offset;
      zero_points.push_back(static_cast<std::uint8_t>(zero & mask));
    }
  }
  return zero_points;
}

}  // namespace alphahill
